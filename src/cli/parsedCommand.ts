import type { RegisteredCommand } from './command.ts';
import type { GlobalValues } from './globalOptions.ts';
import type { OptionSpecs, OptionValues } from './spec.ts';

/** A command line that asks for a command. */
export interface ParsedCommand {
  readonly registered: RegisteredCommand;
  readonly arguments: readonly string[];
  readonly options: OptionValues<OptionSpecs>;
  readonly global: GlobalValues;
}
