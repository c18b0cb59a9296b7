import { isPhysical, loadPhysicalRecord } from '../backup/loadPhysicalRecord.ts';
import type { PhysicalRecord } from '../backup/physicalRecord.ts';
import type { Context } from '../base/context.ts';
import { forEachConcurrently } from '../base/concurrency.ts';
import { isOperationError } from '../base/errors.ts';
import { parseLsn } from '../postgres/lsn.ts';
import { parseSystemIdentifier, type SystemIdentifier } from '../postgres/systemIdentifier.ts';
import { toTimelineId } from '../postgres/timeline.ts';
import type { Repository } from '../repository/repository.ts';
import { sourceIdentity } from '../snapshot/snapshotGroups.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';
import type { KeptBackup } from '../wal/walExpiry.ts';
import { isUnreadable, loadSourceRecord } from './sourceRecord.ts';

/** The base backups of one cluster that are kept. */
export interface KeptCluster {
  readonly systemIdentifier: SystemIdentifier;
  readonly sources: ReadonlySet<string>;
  readonly backups: readonly KeptBackup[];
}

export type KeptClusters =
  | { readonly clusters: readonly KeptCluster[] }
  | { /** A backup of which nobody knows what WAL it needs. */ readonly unreadable: string };

const loadConcurrency = 8;

/**
 * Reads what WAL the kept snapshots need. Also looks into those that are not tagged as ours: a stock client may have
 * changed the tags of a base backup.
 */
export async function loadKeptClusters(
  ctx: Context,
  repository: Repository,
  { snapshots, flawed }: { readonly snapshots: readonly Snapshot[]; readonly flawed: ReadonlySet<string> },
): Promise<KeptClusters> {
  const groups = new Map<string, { sources: Set<string>; backups: KeptBackup[] }>();
  let unreadable: string | undefined;
  await forEachConcurrently(snapshots, loadConcurrency, async (snapshot) => {
    try {
      const record = await baseBackupRecord(ctx, repository, snapshot);
      if (record === undefined) return;
      const group = groups.get(record.systemIdentifier) ?? { sources: new Set(), backups: [] };
      groups.set(record.systemIdentifier, group);
      group.sources.add(record.source);
      const tagged = sourceIdentity(snapshot)?.source; // a stock client may have given it another
      if (tagged !== undefined) group.sources.add(tagged);
      group.backups.push(keptBackup(record, flawed.has(snapshot.id)));
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      unreadable = `snapshot ${snapshot.id.slice(0, 8)}: ${error.message}`;
    }
  });
  if (unreadable !== undefined) return { unreadable };
  const clusters = [...groups].map(([id, group]) => ({ systemIdentifier: parseSystemIdentifier(id), ...group }));
  return { clusters: clusters.toSorted((one, other) => (one.systemIdentifier < other.systemIdentifier ? -1 : 1)) };
}

async function baseBackupRecord(
  ctx: Context,
  repository: Repository,
  snapshot: Snapshot,
): Promise<PhysicalRecord | undefined> {
  if (isPhysical(snapshot)) return loadPhysicalRecord(ctx, repository, snapshot);
  const oneTopDirectory = snapshot.paths.length === 1 && /^\/[^/]+$/.test(snapshot.paths[0] ?? '');
  if (!oneTopDirectory || sourceIdentity(snapshot) !== undefined) return undefined;
  try {
    const { kind } = await loadSourceRecord(ctx, repository, snapshot);
    if (kind !== 'postgres') return undefined;
  } catch (error) {
    if (isOperationError(error, 'not-found')) return undefined; // none of ours: it has no record
    throw error;
  }
  return loadPhysicalRecord(ctx, repository, snapshot);
}

function keptBackup(record: PhysicalRecord, flawed: boolean): KeptBackup {
  const end = { lsn: parseLsn(record.stopLsn), time: new Date(record.stopTime) };
  return {
    timeline: toTimelineId(record.timeline),
    startLsn: parseLsn(record.startLsn),
    // one that does not carry its own WAL needs that of the archive however old it is
    end: record.wal.length === 0 ? undefined : end,
    flawed: flawed || record.pages.badCount > 0,
  };
}
