import type { RegisteredCommand } from '../command.ts';
import { globalOptions } from '../globalOptions.ts';
import { optionNames, type Completion, type OptionSpec } from '../spec.ts';

/** What a completion script knows of the program, the same for every shell. */
export interface CompletionModel {
  /** The program (name `''`), every group and every command. */
  readonly commands: readonly CompletedCommand[];
}

export interface CompletedCommand {
  readonly name: string;
  /** Words that may follow: commands of the program or of a group. */
  readonly children: readonly CompletedWord[];
  readonly options: readonly CompletedOption[];
  readonly argument: Completion;
}

export interface CompletedWord {
  readonly word: string;
  readonly description: string;
}

export interface CompletedOption {
  /** With dashes, e.g. `--repo`. */
  readonly long: string;
  readonly short: string | undefined;
  readonly description: string;
  readonly takesValue: boolean;
  readonly complete: Completion;
}

/** Gathers from the table what can be completed after what. */
export function completionModel(
  table: readonly RegisteredCommand[],
  groups: Readonly<Record<string, string>>,
): CompletionModel {
  const common = [...Object.values(globalOptions).map(completedOption), helpOption];
  const childrenOf = (group: string) =>
    table
      .filter(({ spec }) => spec.name.startsWith(`${group} `))
      .map(({ spec }) => ({ word: spec.name.slice(group.length + 1), description: spec.summary }));
  const topLevel = [
    ...table
      .filter(({ spec }) => !spec.name.includes(' '))
      .map(({ spec }) => ({ word: spec.name, description: spec.summary })),
    ...Object.entries(groups).map(([word, description]) => ({ word, description })),
  ];
  return {
    commands: [
      { name: '', children: topLevel, options: [...common, versionOption], argument: undefined },
      ...Object.keys(groups).map((name) => ({
        name,
        children: childrenOf(name),
        options: common,
        argument: undefined,
      })),
      ...table.map(({ spec }) => ({
        name: spec.name,
        children: childrenOf(spec.name),
        options: [...Object.values(spec.options).map(completedOption), ...common],
        argument: spec.arguments?.at(-1)?.complete,
      })),
    ],
  };
}

/** Both spellings of an option. */
export function spellings(option: CompletedOption): string[] {
  return option.short === undefined ? [option.long] : [option.short, option.long];
}

const helpOption = completedOption({ flags: '-h, --help', description: 'Show help.', initial: false });
const versionOption = completedOption({ flags: '-V, --version', description: 'Show the version.', initial: false });

function completedOption(spec: OptionSpec): CompletedOption {
  const { short, long, valueName } = optionNames(spec.flags);
  return {
    long: `--${long}`,
    short: short === undefined ? undefined : `-${short}`,
    description: spec.description,
    takesValue: valueName !== undefined,
    complete: spec.complete,
  };
}
