import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { OperationError } from '../base/errors.ts';
import type { Environment } from './interpolate.ts';

const fileName = 'understudy.yaml';

export interface FindConfigOptions {
  /** Path given with --config. */
  readonly path?: string | undefined;
  readonly environment: Environment;
  readonly workingDirectory?: string;
  readonly homeDirectory?: string;
  readonly systemDirectory?: string;
}

/** Where a configuration file is looked for when none is named, first found wins. */
export function configCandidates(options: Omit<FindConfigOptions, 'path' | 'environment'> = {}): string[] {
  return [
    resolve(options.workingDirectory ?? process.cwd(), fileName),
    join(options.homeDirectory ?? homedir(), '.config', 'understudy', fileName),
    join(options.systemDirectory ?? '/etc/understudy', fileName),
  ];
}

/**
 * The configuration file to use: --config, UNDERSTUDY_CONFIG, else the first candidate that exists, else undefined.
 * A file that was named but does not exist is `config-missing`.
 */
export function findConfig(options: FindConfigOptions): string | undefined {
  const variable = options.environment['UNDERSTUDY_CONFIG'];
  const named = options.path ?? (variable === '' ? undefined : variable);
  if (named === undefined) return configCandidates(options).find((candidate) => existsSync(candidate));
  const path = resolve(options.workingDirectory ?? process.cwd(), named);
  if (existsSync(path)) return path;
  const origin = options.path === undefined ? 'UNDERSTUDY_CONFIG' : '--config';
  throw new OperationError('config-missing', `configuration file ${path} does not exist`, {
    hint: `it was named by ${origin}; without that, ${fileName} is looked for here, in ~/.config/understudy and in /etc/understudy`,
    detail: { path },
  });
}
