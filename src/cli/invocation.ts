import type { Context } from '../base/context.ts';
import type { Secret } from '../base/secret.ts';
import type { LoadedConfig } from '../config/loadConfig.ts';
import type { RepositorySection, RepositorySettings } from '../config/repositorySettings.ts';
import type { Invocation } from './command.ts';
import type { ParsedCommand } from './parsedCommand.ts';
import type { Printer } from './printer.ts';
import type { Terminal } from './terminal.ts';

export interface InvocationParts {
  readonly parsed: ParsedCommand;
  readonly terminal: Terminal;
  readonly printer: Printer;
}

/** Gives a command its words and, when it asks, configuration and password; each is loaded once, on demand. */
export function createInvocation(ctx: Context, { parsed, terminal, printer }: InvocationParts): Invocation {
  const { global } = parsed;
  const findOptions = { path: global.config, environment: process.env };

  const loadConfig = once(async (): Promise<LoadedConfig> => {
    const loader = await import('../config/loadConfig.ts');
    const loaded = loader.loadConfig(findOptions);
    for (const warning of loaded.warnings) printer.warn(warning);
    return loaded;
  });
  const section = async (): Promise<RepositorySection> => {
    const { quickRepositorySection } = await import('../config/quickRepository.ts');
    return quickRepositorySection(findOptions);
  };
  const repositorySettings = once(async (): Promise<RepositorySettings> => {
    const settings = await import('../config/repositorySettings.ts');
    return settings.repositorySettings({ flags: global, environment: process.env, section: await section() });
  });
  const repositoryPassword = once(async (): Promise<Secret> => {
    const { readPassword } = await import('../config/password.ts');
    const { location, password } = await repositorySettings();
    const given = await readPassword(password, ctx.signal);
    if (given !== undefined) return given;
    const { askPassword } = await import('./passwordPrompt.ts');
    return askPassword(prompt(), `password of ${location}`);
  });
  const prompt = () => ({ input: process.stdin, terminal, signal: ctx.signal });

  return {
    arguments: parsed.arguments,
    options: parsed.options,
    global,
    printer,
    terminal,
    loadConfig,
    repositorySettings,
    repositoryPassword,
    askNewPassword: async (question) => (await import('./passwordPrompt.ts')).askNewPassword(prompt(), question),
  };
}

function once<Value>(load: () => Promise<Value>): () => Promise<Value> {
  let loading: Promise<Value> | undefined;
  return () => (loading ??= load());
}
