import { readdirSync, rmSync, statSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { join } from 'node:path';
import { OperationError, systemErrorCode } from '../../base/errors.ts';
import { options } from '../../config/options.ts';
import type { Invocation } from '../command.ts';

type ConfigLoader = Pick<Invocation, 'loadConfig'>;

/** Where the unwrapped key is kept: flag, environment, configuration; undefined when nobody asked for a cache. */
export async function keyCachePath(
  { loadConfig }: ConfigLoader,
  flag: string | undefined,
): Promise<string | undefined> {
  const variable = process.env[options['repository.keyCacheFile'].environment];
  if (flag !== undefined || (variable !== undefined && variable !== '')) return flag ?? variable;
  return (await loadConfig()).config.repository.keyCacheFile;
}

/** As `keyCachePath`. Throws `config-missing` when there is none. */
export async function requireKeyCachePath(invocation: ConfigLoader, flag: string | undefined): Promise<string> {
  const path = await keyCachePath(invocation, flag);
  if (path !== undefined) return path;
  throw new OperationError('config-missing', 'no file for the unwrapped key is named', {
    hint: 'name one with repository.keyCacheFile, UNDERSTUDY_KEY_CACHE_FILE or --file; `cache save-key --help` says what it means',
  });
}

/** Directory of the compiled code of this program; undefined when there is none. */
export function compiledCodePath(): string | undefined {
  return getCompileCacheDir();
}

/** Bytes of all files below a directory or of one file; undefined when it does not exist. */
export function sizeOf(path: string): number | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (!found.isDirectory()) return found.size;
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' });
  return names.reduce((sum, name) => sum + fileSize(join(path, name)), 0);
}

/** Removes a directory with compiled code. Throws `file-denied`, `file-io`. */
export function removeDirectory(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (cause) {
    const denied = ['EACCES', 'EPERM'].includes(systemErrorCode(cause) ?? '');
    throw new OperationError(denied ? 'file-denied' : 'file-io', `cannot remove ${path}`, {
      hint: 'may this user write there?',
      cause,
    });
  }
}

/** 0 for what is no file or has gone meanwhile. */
function fileSize(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true ? found.size : 0;
}
