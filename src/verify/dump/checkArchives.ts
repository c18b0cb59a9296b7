import type { DumpArchive, DumpedDatabase } from '../../backup/dumpRecord.ts';
import { forEachConcurrently } from '../../base/concurrency.ts';
import type { Context } from '../../base/context.ts';
import { errorMessage, isOperationError } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';
import type { ClientPrograms } from '../../postgres/clientPrograms.ts';
import { listArchive } from '../../restore/dumpContents.ts';
import type { Dump } from '../../restore/loadDump.ts';
import { isFaultOfTester } from '../proof/fault.ts';
import { judge, type Outcome } from '../proof/checkList.ts';
import { isPartial } from './partial.ts';
import { compareEntries, dataEntry, knownEntries } from './tableOfContents.ts';

/** Runs of pg_restore at once. */
const maxLists = 4;

/** Has pg_restore list every archive of a dump, and compares the lists with the record. */
export async function checkArchives(
  ctx: Context,
  dump: Dump,
  { programs, progress }: { readonly programs: ClientPrograms; readonly progress: Progress },
): Promise<Outcome> {
  const wrong: string[] = [];
  const { databases } = dump.record;
  const lists = databases.flatMap((database) => archivesOf(database).map((archive) => ({ database, archive })));
  const entries = new Map<DumpArchive, readonly string[]>();
  progress.phase('listing archives', { items: lists.length });
  await forEachConcurrently(lists, maxLists, async ({ archive }) => {
    ctx.signal.throwIfAborted();
    try {
      entries.set(archive, await listArchive(ctx, dump, { archive, programs }));
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (!isOperationError(error) || isFaultOfTester(error)) throw error;
      wrong.push(`${archive.path}: ${errorMessage(error)}`);
    }
    progress.advance({ items: 1 });
  });
  for (const database of databases) {
    const found = (archive: DumpArchive | null): readonly string[] =>
      archive === null ? [] : (entries.get(archive) ?? []);
    const readable = archivesOf(database).every((archive) => entries.has(archive));
    wrong.push(...rowsWithoutArchive(database).map((line) => `${database.name}: ${line}`));
    if (!readable) continue;
    const known = knownEntries(database, { partial: isPartial(dump.record, database) });
    const lines = compareEntries(archivesOf(database).flatMap(found), known);
    const misplaced = database.tables.flatMap((table) => {
      const { archive, schema, name } = table;
      const begin = `${dataEntry(table)} `;
      if (archive === null || found(archive).some((text) => text.startsWith(begin))) return [];
      return [`${archive.path} does not hold the rows of table ${schema}.${name}`];
    });
    wrong.push(...[...lines, ...misplaced].map((line) => `${database.name}: ${line}`));
  }
  const what = `${lists.length} archives that pg_restore ${programs.version} lists`;
  return judge(wrong, { expected: 'what the record says', actual: what });
}

function archivesOf(database: DumpedDatabase): DumpArchive[] {
  const { preData, postData, largeObjects, whole, sequenceValues, tables } = database;
  return [preData, postData, largeObjects, whole, ...sequenceValues, ...tables.map(({ archive }) => archive)].filter(
    (archive) => archive !== null,
  );
}

/** Tables whose rows the record says were dumped, and for which it names no archive. */
function rowsWithoutArchive({ whole, preData, postData, tables }: DumpedDatabase): string[] {
  if (whole !== null) return [];
  const wrong = tables
    .filter(({ dataDumped, archive }) => dataDumped && archive === null)
    .map(({ schema, name }) => `the record names no archive with the rows of table ${schema}.${name}`);
  if (preData === null) wrong.push('the record names no archive with the definitions');
  if (postData === null) wrong.push('the record names no archive with indexes and constraints');
  return wrong;
}
