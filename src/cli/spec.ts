import { OperationError } from '../base/errors.ts';
import { durationForm, parseDuration, parseSize, sizeForm } from '../config/quantities.ts';

/** How a shell completes a value: files, directories, one of some words, or nothing. */
export type Completion = 'file' | 'directory' | readonly string[] | undefined;

/** One option of a command: what help, completion and both parsers need, and how its text becomes a value. */
export interface OptionSpec<Value = unknown> {
  /** `-n, --dry-run` or `--tag <tag>`. */
  readonly flags: string;
  readonly description: string;
  readonly initial: Value;
  /** What an option whose value may be left out (`--verify [level]`) reads where it stands alone. */
  readonly alone?: string;
  /** Makes the value of one occurrence; absent for a flag that takes no value. Throws `usage`. */
  read?(text: string, previous: Value): Value;
  readonly complete?: Completion;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;
export type OptionValues<Specs extends OptionSpecs> = {
  readonly [Name in keyof Specs]: Specs[Name] extends OptionSpec<infer Value> ? Value : never;
};

export interface ArgumentSpec {
  readonly name: string;
  readonly description: string;
  /** `one` (default): required; `optional`: may be absent; `many`: any number. */
  readonly count?: 'one' | 'optional' | 'many';
  readonly complete?: Completion;
}

export interface Example {
  /** Without the program's name. */
  readonly command: string;
  readonly meaning: string;
}

/** All that is known of a command without loading its code. */
export interface CommandSpec<Options extends OptionSpecs = OptionSpecs> {
  /** `backup`, or `wal push` for one of a group. */
  readonly name: string;
  readonly summary: string;
  /** More than the summary, for --help. */
  readonly description?: string;
  readonly arguments?: readonly ArgumentSpec[];
  readonly options: Options;
  readonly examples: readonly Example[];
  /** Ends with the state and the output of a monitoring plugin, also where it fails. */
  readonly plugin?: true;
}

/** A switch: false unless given. */
export function flag(flags: string, description: string): OptionSpec<boolean> {
  return { flags, description, initial: false };
}

export function text(flags: string, description: string): OptionSpec<string | undefined> {
  return { flags, description, initial: undefined, read: (value) => value };
}

export function file(flags: string, description: string): OptionSpec<string | undefined> {
  return { ...text(flags, description), complete: 'file' };
}

export function directory(flags: string, description: string): OptionSpec<string | undefined> {
  return { ...text(flags, description), complete: 'directory' };
}

/** May be given several times. */
export function list(flags: string, description: string): OptionSpec<readonly string[]> {
  return { flags, description, initial: [], read: (value, previous) => [...previous, value] };
}

/** A whole number, at least 0. */
export function count(flags: string, description: string): OptionSpec<number | undefined> {
  const read = (value: string) => (/^\d{1,15}$/.test(value) ? Number(value) : undefined);
  return converted({ flags, description, form: 'a whole number', read });
}

/** `90s`, `1h30m`; milliseconds. */
export function duration(flags: string, description: string): OptionSpec<number | undefined> {
  return converted({ flags, description, form: durationForm, read: parseDuration });
}

/** `16MiB`; bytes. */
export function size(flags: string, description: string): OptionSpec<number | undefined> {
  return converted({ flags, description, form: sizeForm, read: parseSize });
}

/** A value that is read by a function, which throws `usage` for what makes no sense. */
export function parsed<Value>(
  flags: string,
  description: string,
  parse: (text: string) => Value,
): OptionSpec<Value | undefined> {
  return { flags, description, initial: undefined, read: (value) => parse(value) };
}

export interface ChoiceOptions<Word extends string> {
  readonly flags: string;
  readonly description: string;
  readonly words: readonly Word[];
}

/** One of some words. */
export function choice<const Word extends string>(options: ChoiceOptions<Word>): OptionSpec<Word | undefined> {
  const { words, ...rest } = options;
  const read = (value: string) => words.find((word) => word === value);
  return { ...converted({ ...rest, form: words.join(', '), read }), complete: words };
}

/** The same option, `--name [value]`, which may stand alone and then reads this text. */
export function mayStandAlone<Value>(option: OptionSpec<Value>, alone: Value & string): OptionSpec<Value> {
  return { ...option, alone };
}

/** The same option with a value for when it is not given; it shows in --help. */
export function withDefault<Value>(option: OptionSpec<Value | undefined>, initial: Value): OptionSpec<Value> {
  return { ...option, initial, read: (value: string) => option.read?.(value, undefined) ?? initial };
}

interface Conversion<Value> {
  readonly flags: string;
  readonly description: string;
  readonly form: string;
  readonly read: (text: string) => Value | undefined;
}

function converted<Value>({ flags, description, form, read }: Conversion<Value>): OptionSpec<Value | undefined> {
  const { long } = optionNames(flags);
  return {
    flags,
    description,
    initial: undefined,
    read: (value) => {
      const result = read(value);
      if (result !== undefined) return result;
      throw new OperationError('usage', `--${long}: expected ${form}, found "${value}"`, {
        hint: 'see --help for what the option means',
      });
    },
  };
}

export interface OptionNames {
  readonly short: string | undefined;
  readonly long: string;
  /** What stands between the angle brackets; undefined for a switch, and where the value may be left out. */
  readonly valueName: string | undefined;
}

/** Takes `-r, --repo <location>` apart. */
export function optionNames(flags: string): OptionNames {
  const match = /^(?:-(\w), )?--([a-z][a-z0-9-]*)(?: <([^>]+)>| \[[^\]]+\])?$/.exec(flags);
  if (match === null) throw new TypeError(`not the form of an option: ${flags}`);
  return { short: match[1], long: match[2]!, valueName: match[3] };
}
