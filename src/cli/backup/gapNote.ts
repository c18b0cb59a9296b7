import { loadPhysicalRecord } from '../../backup/loadPhysicalRecord.ts';
import type { PhysicalBackupResult } from '../../backup/physicalBackup.ts';
import { sourceTags } from '../../backup/sourceSnapshot.ts';
import type { Context } from '../../base/context.ts';
import { formatLsn, parseLsn } from '../../postgres/lsn.ts';
import { parseSystemIdentifier } from '../../postgres/systemIdentifier.ts';
import type { Repository } from '../../repository/repository.ts';
import { snapshotSource } from '../../snapshot/repositorySource.ts';
import { loadSnapshots } from '../../snapshot/snapshots.ts';
import { WalArchive } from '../../wal/walArchive.ts';
import { listWalGaps, type WalGapMarker } from '../../wal/walGapMarkers.ts';

/**
 * What a person should know of WAL that was lost since the backup before this one: it made this one necessary, and
 * nothing between the gap and this backup can be had back. Undefined when none was lost.
 */
export async function gapNote(
  ctx: Context,
  repository: Repository,
  { record, snapshot }: PhysicalBackupResult,
): Promise<string | undefined> {
  const archive = WalArchive.of(repository, parseSystemIdentifier(record.systemIdentifier));
  const gaps = await listWalGaps(ctx, archive);
  if (gaps.length === 0) return undefined;
  const startLsn = parseLsn(record.startLsn);
  const before = await previousStart(ctx, repository, { source: record.source, id: snapshot.id });
  const closed = gaps.filter(({ end }) => end <= startLsn && (before === undefined || end > before));
  const [first] = closed;
  return first === undefined ? undefined : describe(first, closed.length);
}

async function previousStart(
  ctx: Context,
  repository: Repository,
  { source, id }: { readonly source: string; readonly id: string },
): Promise<bigint | undefined> {
  const tags = sourceTags('postgres', source);
  const snapshots = await loadSnapshots(ctx, snapshotSource(repository));
  const previous = snapshots.find((other) => other.id !== id && tags.every((tag) => other.tags.includes(tag)));
  return previous === undefined ? undefined : parseLsn((await loadPhysicalRecord(ctx, repository, previous)).startLsn);
}

function describe({ begin, end, reason, recordedAt }: WalGapMarker, count: number): string {
  const others = count === 1 ? '' : ` (and ${count - 1} more)`;
  return (
    `WAL from ${formatLsn(begin)} to ${formatLsn(end)} was lost, recorded ${recordedAt.toISOString()}: ${reason}${others}; ` +
    'from this backup on recovery to any moment is possible again'
  );
}
