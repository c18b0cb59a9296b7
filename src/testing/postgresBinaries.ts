import { existsSync, statSync } from 'node:fs';
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { serverUser } from './serverUser.ts';

export const postgresMajors = [13, 14, 15, 16, 17, 18] as const;
export type PostgresMajor = (typeof postgresMajors)[number];

/** What tests keep between runs: initialised clusters, and binaries copied out of a private directory. */
export const testCacheDirectory = join(tmpdir(), `understudy-test-cache-${process.getuid?.() ?? 0}`);

/**
 * The directory with `initdb`, `pg_ctl` and `postgres` of a major: Debian's where installed, else the npm package's.
 * Environment UNDERSTUDY_TEST_POSTGRES=npm ignores Debian's.
 */
export async function postgresBinaries(major: PostgresMajor): Promise<string> {
  const debian = `/usr/lib/postgresql/${major}/bin`;
  if (process.env['UNDERSTUDY_TEST_POSTGRES'] !== 'npm' && existsSync(join(debian, 'postgres'))) return debian;
  const packaged = resolve(import.meta.dirname, `../../node_modules/pg${major}/native`);
  if (!existsSync(join(packaged, 'bin/postgres'))) throw new Error(`no PostgreSQL ${major}: run npm ci`);
  return join(await reachable(packaged, major), 'bin');
}

/** The server's user may be kept out of root's checkout (mode 700); then it gets a copy. */
async function reachable(native: string, major: PostgresMajor): Promise<string> {
  if (serverUser() === undefined || everybodyMayPass(native)) return native;
  const stamp = statSync(join(native, 'bin/postgres'));
  const copy = join(testCacheDirectory, `pg${major}-${stamp.size}`);
  if (existsSync(copy)) return copy;
  await mkdir(testCacheDirectory, { recursive: true, mode: 0o755 });
  const temporary = `${copy}-tmp-${process.pid}`;
  await cp(native, temporary, { recursive: true, verbatimSymlinks: true });
  await rename(temporary, copy).catch(() => rm(temporary, { recursive: true }));
  return copy;
}

function everybodyMayPass(path: string): boolean {
  return (statSync(path).mode & 0o001) !== 0 && (path === '/' || everybodyMayPass(dirname(path)));
}
