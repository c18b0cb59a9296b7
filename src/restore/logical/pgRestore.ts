import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../../base/context.ts';
import { OperationError, isOperationError } from '../../base/errors.ts';
import type { ClientPrograms } from '../../postgres/clientPrograms.ts';
import type { ConnectionOptions } from '../../postgres/connectionOptions.ts';
import { libpqEnvironment } from '../../postgres/libpqEnvironment.ts';
import { openProgram, runProgram } from '../../postgres/runProgram.ts';
import { createScratchDirectory } from '../../postgres/scratchDirectory.ts';

/** An archive of pg_dump in custom format, as a stream. */
export interface ArchiveContent {
  /** What it is, for messages. */
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface ArchiveLoad {
  readonly target: RestoreTarget;
  /** Of pg_restore. */
  readonly args: readonly string[];
}

export interface RestoreTarget {
  readonly programs: ClientPrograms;
  readonly connection: ConnectionOptions;
  readonly database: string;
}

/**
 * Loads an archive into a database in one pass. The first error ends it: throws `restore-incomplete` with pg_restore's
 * own words, or what reading the archive threw. What pg_restore only warns of is logged.
 */
export function loadArchive(ctx: Context, archive: ArchiveContent, { target, args }: ArchiveLoad): Promise<void> {
  return runRestore(ctx, archive, { target, args: ['--exit-on-error', ...args] });
}

async function runRestore(
  ctx: Context,
  archive: ArchiveContent,
  { target, args }: ArchiveLoad,
  told = new ToldLines(),
): Promise<void> {
  const { programs, connection, database } = target;
  try {
    await runProgram(ctx, {
      program: join(programs.binDirectory, 'pg_restore'),
      args: ['--no-password', `--dbname=${conninfo(database)}`, ...args],
      env: libpqEnvironment(connection, database, programs.major),
      input: archive.bytes,
      onStderrLine: (line) => told.add(line),
    });
    const stderr = told.lines;
    if (stderr.length > 0) ctx.log.warn({ archive: archive.name, stderr }, 'pg_restore had something to say');
  } catch (error) {
    throw restoreFailed(error, { what: archive.name, database, told: told.lines });
  }
}

/** What pg_restore could not do. */
export interface Unmade {
  /** In its words. */
  readonly problems: readonly string[];
  /** How the statements begin that failed, of those that make indexes and constraints. */
  readonly statements: readonly string[];
}

/**
 * As `loadArchive`, but goes on after an object that cannot be made; resolves with what was said about those. For a
 * database of which only a part is needed, and where that part is then looked for.
 */
export async function loadWhatCanBe(ctx: Context, archive: ArchiveContent, load: ArchiveLoad): Promise<Unmade> {
  const told = new ToldLines();
  try {
    await runRestore(ctx, archive, load, told);
    return { problems: [], statements: [] };
  } catch (error) {
    if (!isOperationError(error, 'restore-incomplete')) throw error;
    if (!told.lines.some((line) => line.includes('errors ignored on restore'))) throw error;
    return {
      problems: told.lines.filter((line) => line.startsWith('pg_restore: error:')),
      statements: told.statements,
    };
  }
}

/** Loads a small archive with several sessions at once, strictly or not: pg_restore needs a file for that. */
export async function loadArchiveParallel(
  ctx: Context,
  archive: ArchiveContent,
  { target, args, jobs, load }: ArchiveLoad & { readonly jobs: number; readonly load: typeof loadArchive },
): Promise<void> {
  await using directory = await createScratchDirectory(tmpdir());
  const path = join(directory.path, 'archive');
  await writeFile(path, archive.bytes, { mode: 0o600 });
  const from = { name: archive.name, bytes: nothing() };
  await load(ctx, from, { target, args: [...args, `--jobs=${jobs}`, path] });
}

/** The SQL text that a part of an archive stands for. Throws `program-failed`. */
export async function archiveScript(
  ctx: Context,
  archive: ArchiveContent,
  { programs, args }: { readonly programs: ClientPrograms; readonly args: readonly string[] },
): Promise<string> {
  const program = join(programs.binDirectory, 'pg_restore');
  return (await runProgram(ctx, { program, args: [...args, '--file=-'], input: archive.bytes })).stdout;
}

/** The lines of an archive's table of contents: `12; 1259 16390 TABLE public events owner`. Throws `program-failed`. */
export async function archiveEntries(
  ctx: Context,
  archive: ArchiveContent,
  programs: ClientPrograms,
  args: readonly string[] = [],
): Promise<readonly string[]> {
  const program = join(programs.binDirectory, 'pg_restore');
  const { stdout } = await runProgram(ctx, { program, args: ['--list', ...args], input: archive.bytes });
  return stdout.split('\n').filter((line) => /^\d+; /.test(line));
}

/** What an entry of a table of contents is: all behind the three numbers. */
export function entryText(line: string): string {
  return line.replace(/^\d+; \d+ \d+ /, '');
}

/** Runs `work` with the argument that makes pg_restore take only these entries. */
export async function withEntries<T>(
  entries: readonly string[],
  work: (args: readonly string[]) => Promise<T>,
): Promise<T> {
  await using directory = await createScratchDirectory(tmpdir());
  const path = join(directory.path, 'entries');
  await writeFile(path, entries.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  return await work([`--use-list=${path}`]);
}

/** Dumps with pg_dump, as a stream that ends only when pg_dump ended well: what reads it never takes a part for all. */
export async function* dumpArchive(ctx: Context, from: RestoreTarget, args: readonly string[]): AsyncGenerator<Buffer> {
  await using dump = await openProgram(ctx, {
    program: join(from.programs.binDirectory, 'pg_dump'),
    args: ['--format=custom', '--no-password', ...args],
    env: libpqEnvironment(from.connection, from.database, from.programs.major),
  });
  yield* dump.stdout;
  await dump.exitedCleanly();
}

/** A name with `=` in it would be read as more than a name. */
function conninfo(database: string): string {
  return `dbname='${database.replaceAll(/['\\]/g, '\\$&')}'`;
}

/** The statement that failed is left out, and so is the error with it: it may hold a password. */
function restoreFailed(
  error: unknown,
  { what, database, told }: { readonly what: string; readonly database: string; readonly told: readonly string[] },
): unknown {
  if (!isOperationError(error, 'program-failed')) return error;
  const { exitStatus, signal } = error.detail;
  const ending = `pg_restore ended with ${typeof signal === 'string' ? signal : `status ${exitStatus as number}`}`;
  const reason = told.length === 0 ? ending : told.join(' | ').slice(0, 1000);
  return new OperationError('restore-incomplete', `restoring ${what} into database "${database}" failed: ${reason}`, {
    hint: 'what pg_restore said names the object; for roles there are --no-owner, --no-acl and --with-globals',
    detail: { database, stderr: told, exitStatus, signal },
  });
}

const maxToldLines = 400;

/** What pg_restore says, without the statements, however long they are; of very much the first and the last part. */
class ToldLines {
  readonly lines: string[] = [];
  /** The first lines of those that hold nothing secret. */
  readonly statements: string[] = [];
  #inStatement = false;

  add(line: string): void {
    if (line.startsWith('pg_restore:')) this.#inStatement = false;
    else if (line.startsWith('Command was:')) this.#inStatement = true;
    const statement = /^Command was: ((?:CREATE (?:UNIQUE )?INDEX|ALTER TABLE) .*)/.exec(line)?.[1];
    if (statement !== undefined) this.statements.push(statement);
    if (this.#inStatement || line.trim() === '') return;
    this.lines.push(line.trim());
    if (this.lines.length > maxToldLines) this.lines.splice(maxToldLines / 2, 1);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // the archive is a file
}
