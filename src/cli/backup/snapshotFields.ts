import type { UploadTotals } from '../../repository/upload.ts';
import type { Snapshot } from '../../snapshot/snapshots.ts';

export interface StoredSource<SourceRecord> {
  readonly snapshot: Snapshot;
  readonly record: SourceRecord;
  readonly totals: UploadTotals;
}

/** What `--json` says of a backup, with restic's names; the record is what the snapshot holds as understudy.json. */
export function snapshotFields(
  { snapshot, record, totals }: StoredSource<{ readonly source: string }>,
  durationMs: number,
): Record<string, unknown> {
  const parent = snapshot.parent === undefined ? {} : { parent: snapshot.parent };
  const { dataBlobs, treeBlobs, addedBytes, storedBytes } = totals;
  const blobs = { data_blobs: dataBlobs, tree_blobs: treeBlobs };
  const bytes = { data_added: addedBytes, data_added_packed: storedBytes };
  const total_duration = durationMs / 1000;
  return { source: record.source, snapshot_id: snapshot.id, ...parent, ...blobs, ...bytes, total_duration, record };
}
