import { parseDumpRecord, type DumpFilters, type DumpRecord } from '../../backup/dumpRecord.ts';
import { kindOf, loadRecordFile } from '../../backup/sourceSnapshot.ts';
import type { Context } from '../../base/context.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Snapshot } from '../../snapshot/snapshots.ts';
import { plural } from '../format.ts';

/** The record of a logical backup; undefined for a snapshot of another kind. Throws what loading throws. */
export async function loadDumpRecord(
  ctx: Context,
  repository: Repository,
  snapshot: Snapshot,
): Promise<DumpRecord | undefined> {
  if (kindOf(snapshot) !== 'dump') return undefined;
  return parseDumpRecord(await loadRecordFile(ctx, repository, snapshot));
}

/** What `snapshots --json` says of a dump: not its record, which names every table. */
export function dumpFields(record: DumpRecord): Record<string, unknown> {
  const { databases, layout, snapshotTime, serverVersionText, filters, notCaptured } = record;
  return {
    databases: databases.map(({ name }) => name),
    tables: databases.reduce((sum, { tables }) => sum + tables.length, 0),
    layout,
    snapshot_time: snapshotTime,
    server_version: serverVersionText,
    filtered: isFiltered(filters),
    not_captured: notCaptured.filter(({ expected }) => !expected).length,
  };
}

/** What a person has to know before relying on it. */
export function dumpRemarks({ databases, filters, notCaptured }: DumpRecord): string[] {
  const lacking = notCaptured.filter(({ expected }) => !expected).length;
  return [
    databases.length === 1 ? `database ${databases[0]!.name}` : plural(databases.length, 'database'),
    ...(isFiltered(filters) ? ['filtered'] : []),
    ...(lacking > 0 ? [`${lacking} NOT CAPTURED`] : []),
  ];
}

/** Whole databases may be chosen; what is filtered lacks parts of them. */
function isFiltered({ databases: _databases, ...parts }: DumpFilters): boolean {
  return Object.values(parts).some((patterns) => patterns.length > 0);
}
