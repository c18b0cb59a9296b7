import { DocumentReader } from './json/documentReader.ts';
import type { JsonObject } from './json/goJson.ts';
import { formatTimestamp, type Timestamp } from './time.ts';

const counts = [
  ['filesNew', 'files_new'],
  ['filesChanged', 'files_changed'],
  ['filesUnmodified', 'files_unmodified'],
  ['dirsNew', 'dirs_new'],
  ['dirsChanged', 'dirs_changed'],
  ['dirsUnmodified', 'dirs_unmodified'],
  ['dataBlobs', 'data_blobs'],
  ['treeBlobs', 'tree_blobs'],
  ['dataAdded', 'data_added'],
  ['dataAddedPacked', 'data_added_packed'],
  ['totalFilesProcessed', 'total_files_processed'],
  ['totalBytesProcessed', 'total_bytes_processed'],
] as const;

/** What the backup did, as restic >= 0.17 stores it. `dataAdded...` and `totalBytesProcessed` are bytes. */
export type SnapshotSummary = {
  readonly backupStart: Timestamp;
  readonly backupEnd: Timestamp;
  readonly unknownFields?: JsonObject;
} & { readonly [K in (typeof counts)[number][0]]: number };

/** Reads the `summary` member of a snapshot. Throws `repository-damaged`. */
export function parseSnapshotSummary(json: JsonObject, what: string): SnapshotSummary {
  const reader = new DocumentReader(json, `the summary of ${what}`);
  const times = { backupStart: reader.time('backup_start'), backupEnd: reader.time('backup_end') };
  const numbers = Object.fromEntries(counts.map(([name, key]) => [name, reader.count(key)]));
  const unknown = reader.rest();
  return {
    ...times,
    ...(numbers as Record<(typeof counts)[number][0], number>),
    ...(Object.keys(unknown).length === 0 ? {} : { unknownFields: unknown }),
  };
}

/** The `summary` member in restic's order. */
export function summaryJson(summary: SnapshotSummary): JsonObject {
  return {
    backup_start: formatTimestamp(summary.backupStart),
    backup_end: formatTimestamp(summary.backupEnd),
    ...Object.fromEntries(counts.map(([name, key]) => [key, summary[name]])),
    ...summary.unknownFields,
  };
}
