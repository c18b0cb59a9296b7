import { parseArgs } from 'node:util';
import type { RegisteredCommand } from './command.ts';
import { globalOptions } from './globalOptions.ts';
import type { ParsedCommand } from './parsedCommand.ts';
import { optionNames, type OptionSpecs, type OptionValues } from './spec.ts';

/**
 * Parses a command line with Node's own parser, for commands that are started so often that the full one costs too
 * much. Undefined when anything is unusual (wrong, or --help): then the full parser decides and explains.
 */
export function parseFast(words: readonly string[], registered: RegisteredCommand): ParsedCommand | undefined {
  const { spec } = registered;
  const specs: OptionSpecs = { ...globalOptions, ...spec.options };
  let parsed;
  try {
    parsed = parseArgs({
      args: words.slice(spec.name.split(' ').length),
      options: Object.fromEntries(Object.values(specs).map((option) => parserOption(option.flags))),
      allowPositionals: true,
    });
  } catch {
    return undefined;
  }
  if (parsed.positionals.length !== (spec.arguments ?? []).length) return undefined;
  return {
    registered,
    arguments: parsed.positionals,
    options: readValues(parsed.values, spec.options),
    global: readValues(parsed.values, globalOptions),
  };
}

type Given = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

function parserOption(flags: string) {
  const { short, long, valueName } = optionNames(flags);
  const type = valueName === undefined ? ('boolean' as const) : ('string' as const);
  return [long, { type, multiple: true, ...(short === undefined ? {} : { short }) }] as const;
}

function readValues<Specs extends OptionSpecs>(given: Given, specs: Specs): OptionValues<Specs> {
  const values = Object.entries(specs).map(([name, spec]) => {
    const found = given[optionNames(spec.flags).long];
    const occurrences = Array.isArray(found) ? (found as readonly (string | boolean)[]) : [];
    const value = occurrences.reduce<unknown>(
      (previous, text) => (spec.read === undefined ? text : spec.read(String(text), previous)),
      spec.initial,
    );
    return [name, value];
  });
  return Object.fromEntries(values) as OptionValues<Specs>;
}
