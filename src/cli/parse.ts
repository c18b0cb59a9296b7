import { Command, CommanderError, Option } from 'commander';
import { OperationError } from '../base/errors.ts';
import type { RegisteredCommand } from './command.ts';
import { commandTable, groups } from './commandTable.ts';
import { nearestName } from '../config/nearestName.ts';
import { globalOptions } from './globalOptions.ts';
import type { ParsedCommand } from './parsedCommand.ts';
import type { ArgumentSpec, OptionSpecs, OptionValues } from './spec.ts';
import { programVersion } from '../base/version.ts';

/** What a command line asks for: a command to run, or a text (help, version) to print. */
export type ParsedLine = ParsedCommand | { readonly text: string };

export interface Commands {
  readonly table: readonly RegisteredCommand[];
  /** Name of a group -> what it is about. */
  readonly groups: Readonly<Record<string, string>>;
}

/** Parses the words after the program's name. Errors: `usage`, with a suggestion where a name is near. */
export function parseCommandLine(
  words: readonly string[],
  commands: Commands = { table: commandTable, groups },
): ParsedLine {
  const output: string[] = [];
  let parsed: ParsedCommand | undefined;
  const program = createProgram(commands, output, (found) => (parsed = found));
  try {
    program.parse(takeGlobalOptions(program, words), { from: 'user' });
  } catch (error) {
    if (error instanceof HelpShown) return { text: output.join('') };
    throw error;
  }
  return parsed ?? { text: output.join('') };
}

/**
 * Reads the options of every command wherever they stand, and returns the other words. What is left is parsed by
 * position, so that a command and one below it may each have an option of the same name.
 */
function takeGlobalOptions(program: Command, words: readonly string[]): string[] {
  const end = words.includes('--') ? words.indexOf('--') : words.length;
  const { operands, unknown } = program.parseOptions(words.slice(0, end));
  program.enablePositionalOptions();
  return [...operands, ...unknown, ...words.slice(end)];
}

/** Thrown out of the parser when it has printed help or version. */
class HelpShown extends Error {}

function createProgram(commands: Commands, output: string[], onCommand: (parsed: ParsedCommand) => void): Command {
  const program = new Command('understudy')
    .description('PostgreSQL backup and disaster recovery that proves by rehearsal that it works.')
    .version(programVersion(), '-V, --version', 'Show the version.')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => output.push(text),
      writeErr: (text) => output.push(text),
      outputError: () => undefined,
    })
    .addHelpText('after', '\nunderstudy <command> --help shows examples. Exit codes: docs/exit-codes.md.');
  addCommon(program);
  addOptions(program, globalOptions);
  const parents = new Map([['', program]]);
  for (const registered of commands.table) {
    const { group, word } = splitName(registered.spec.name);
    let parent = parents.get(group);
    if (parent === undefined) {
      parent = program.command(group).description(commands.groups[group] ?? '');
      addCommon(parent);
      parents.set(group, parent);
    }
    const added = parent.enablePositionalOptions(parent !== program).command(word);
    if (parent === program) parents.set(word, added); // one with a meaning of its own may have others below it
    addCommand(added, registered, (command) => {
      if (parent !== program) refuseMisplaced(parent, command);
      onCommand({
        registered,
        arguments: command.args,
        options: optionValues(command, registered.spec.options),
        global: optionValues(program, globalOptions),
      });
    });
  }
  return program;
}

/** Options before the last word of a command would be those of another command, and be lost. */
function refuseMisplaced(parent: Command, command: Command): void {
  const option = parent.options.find((each) => parent.getOptionValueSource(each.attributeName()) === 'cli');
  if (option === undefined) return;
  throw new OperationError('usage', `${option.long ?? option.flags} stands before "${command.name()}"`, {
    hint: `put it behind: ${commandPath(command)} ${option.flags}`,
  });
}

function addCommand(command: Command, { spec }: RegisteredCommand, onCommand: (command: Command) => void): void {
  command.summary(spec.summary).description([spec.summary + '.', spec.description].filter(Boolean).join('\n\n'));
  for (const argument of spec.arguments ?? []) command.argument(argumentSyntax(argument), argument.description);
  addOptions(command, spec.options);
  addCommon(command);
  const examples = spec.examples.map((example) => `  understudy ${example.command}\n      ${example.meaning}`);
  if (examples.length > 0) command.addHelpText('after', `\nExamples:\n${examples.join('\n')}`);
  command.action(() => onCommand(command));
}

function addCommon(command: Command): void {
  command.helpOption('-h, --help', 'Show help.').exitOverride((error) => {
    throw translated(error, command);
  });
}

function addOptions(command: Command, specs: OptionSpecs): void {
  for (const spec of Object.values(specs)) {
    const option = new Option(spec.flags, spec.description);
    const { initial } = spec;
    if (spec.read !== undefined) option.argParser((text, previous: unknown) => spec.read?.(text, previous ?? initial));
    if (spec.alone !== undefined) option.preset(spec.alone);
    if (typeof initial === 'string' || typeof initial === 'number') option.default(initial);
    command.addOption(option);
  }
}

function optionValues<Specs extends OptionSpecs>(command: Command, specs: Specs): OptionValues<Specs> {
  const values = Object.entries(specs).map(([name, spec]) => {
    const option = new Option(spec.flags);
    const value: unknown = command.getOptionValue(option.attributeName());
    return [name, option.negate ? value === false : (value ?? spec.initial)];
  });
  return Object.fromEntries(values) as OptionValues<Specs>;
}

function argumentSyntax({ name, count = 'one' }: ArgumentSpec): string {
  return { one: `<${name}>`, optional: `[${name}]`, many: `[${name}...]` }[count];
}

function splitName(name: string): { group: string; word: string } {
  const space = name.indexOf(' ');
  return { group: space === -1 ? '' : name.slice(0, space), word: name.slice(space + 1) };
}

/** The parser's own error as ours: one line, and the suggestion as a hint. */
function translated(error: CommanderError, command: Command): Error {
  if (error.exitCode === 0 || error.code === 'commander.help') return new HelpShown();
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const near =
    suggestion === undefined ? nearOption(error, command) : /^\(Did you mean (.*)\?\)$/.exec(suggestion)?.[1];
  const path = commandPath(command);
  return new OperationError('usage', message, {
    hint: near === undefined ? `see "${path} --help"` : `did you mean ${near}? See "${path} --help"`,
  });
}

/** What is near to an unknown option among those of every command, which the parser does not look at. */
function nearOption({ code, message }: CommanderError, command: Command): string | undefined {
  const unknown = code === 'commander.unknownOption' ? /'(--[^']+)'/.exec(message)?.[1] : undefined;
  if (unknown === undefined) return undefined;
  const chain: Command[] = [];
  for (let each: Command | null = command; each !== null; each = each.parent) chain.push(each);
  const names = chain.flatMap(({ options }) => options.flatMap(({ long }) => long ?? []));
  return nearestName(unknown, names);
}

function commandPath(command: Command): string {
  return command.parent === null ? command.name() : `${commandPath(command.parent)} ${command.name()}`;
}
