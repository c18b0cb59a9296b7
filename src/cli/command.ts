import type { Context } from '../base/context.ts';
import type { PluginState } from '../base/pluginState.ts';
import type { LoadedConfig } from '../config/loadConfig.ts';
import type { RepositorySettings } from '../config/repositorySettings.ts';
import type { Secret } from '../base/secret.ts';
import type { GlobalValues } from './globalOptions.ts';
import type { Printer } from './printer.ts';
import type { CommandSpec, OptionValues } from './spec.ts';
import type { Terminal } from './terminal.ts';

/** A parsed command line and what a command needs to answer it. */
export interface Invocation<Spec extends CommandSpec = CommandSpec> {
  readonly arguments: readonly string[];
  readonly options: OptionValues<Spec['options']>;
  readonly global: GlobalValues;
  readonly printer: Printer;
  readonly terminal: Terminal;
  /** Reads and checks the whole configuration file, once; prints its warnings. */
  loadConfig(): Promise<LoadedConfig>;
  /** The repository from flags, environment and configuration file. */
  repositorySettings(): Promise<RepositorySettings>;
  /** The repository's password; asks at the terminal when no source is given. */
  repositoryPassword(): Promise<Secret>;
  /** A password for something new, typed twice at the terminal. */
  askNewPassword(question: string): Promise<Secret>;
}

/** A state is the answer of a monitoring plugin (`spec.plugin`); every other command returns when all is done. */
export type CommandRun<Spec extends CommandSpec> = (
  ctx: Context,
  invocation: Invocation<Spec>,
) => Promise<void | PluginState>;

/** What a file in `commands/` exports. */
export interface CommandModule<Spec extends CommandSpec> {
  readonly run: CommandRun<Spec>;
}

export interface RegisteredCommand {
  readonly spec: CommandSpec;
  readonly load: () => Promise<CommandModule<CommandSpec>>;
}

/** Joins a command's description to the code that runs it; the code is loaded when the command is called. */
export function register<Spec extends CommandSpec>(
  spec: Spec,
  load: () => Promise<CommandModule<Spec>>,
): RegisteredCommand {
  return { spec, load };
}
