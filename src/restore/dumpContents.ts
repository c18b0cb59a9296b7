import type { DumpArchive } from '../backup/dumpRecord.ts';
import type { Context } from '../base/context.ts';
import { requireClientPrograms, type ClientPrograms } from '../postgres/clientPrograms.ts';
import type { Dump } from './loadDump.ts';
import { planGlobals } from './logical/globals.ts';
import { archiveEntries, entryText } from './logical/pgRestore.ts';

/** A pg_restore that reads the archives of a dump. Throws `program-missing`. */
export function requireListPrograms(
  ctx: Context,
  dump: Dump,
  directories: readonly string[] = [],
): Promise<ClientPrograms> {
  return requireClientPrograms(ctx, { major: dump.programMajor, programs: ['pg_restore'], directories });
}

/**
 * The table of contents of an archive by pg_restore, without the numbers: `TABLE public events owner`. Only its
 * beginning is read. Throws `program-failed` with pg_restore's words when it is no archive, `repository-damaged`.
 */
export async function listArchive(
  ctx: Context,
  dump: Dump,
  { archive, programs }: { readonly archive: DumpArchive; readonly programs: ClientPrograms },
): Promise<readonly string[]> {
  const content = { name: archive.path, bytes: dump.content(ctx, archive) };
  return (await archiveEntries(ctx, content, programs)).map(entryText);
}

/** Names of the roles that the globals of a dump make, sorted. Throws `repository-damaged`, `not-found`. */
export async function rolesOfGlobals(ctx: Context, dump: Dump, globals: DumpArchive): Promise<readonly string[]> {
  const parts: Buffer[] = [];
  for await (const part of dump.content(ctx, globals)) parts.push(part);
  return planGlobals(Buffer.concat(parts).toString('utf8'), new Set()).createdRoles;
}
