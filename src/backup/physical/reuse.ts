import { parseLsn, type Lsn } from '../../postgres/lsn.ts';
import type { PhysicalBackupOptions } from '../physicalBackup.ts';
import type { ClusterFacts } from './clusterFacts.ts';
import type { ParentCluster } from './parentCluster.ts';

/** What a new backup may take over from its parent. */
export interface Reuse {
  /** Set when files that kept their identity need not be read. */
  readonly files: ParentCluster | undefined;
  /** Set when pages with an older LSN are proved unchanged. */
  readonly sinceLsn: Lsn | undefined;
  /** When everything was last read, this backup included. */
  readonly rehashedTime: Date;
}

const defaultRehashDays = 7;
const dayMs = 24 * 60 * 60 * 1000;

interface Situation {
  readonly facts: ClusterFacts;
  readonly options: PhysicalBackupOptions;
  readonly chunkBytes: number;
  readonly startTime: Date;
}

/**
 * Decides how much a backup trusts its parent. Nothing, when it is of another cluster or kind, chunks differ, or the
 * last full reading is too old. Files by identity, otherwise. Pages by LSN only where every change of a page must have
 * raised its LSN: data checksums on both times (then hint bits are logged too), the same timeline, and an LSN that
 * moved forward (docs/decisions/0005).
 */
export function planReuse(parent: ParentCluster | undefined, situation: Situation): Reuse {
  const { facts, options, startTime } = situation;
  if (parent === undefined || !isSameCluster(parent, situation) || mustRehash(parent, options, startTime)) {
    return { files: undefined, sinceLsn: undefined, rehashedTime: startTime };
  }
  const { record } = parent;
  const logged =
    record.dataChecksums && facts.settings.data_checksums === 'on' && facts.settings.full_page_writes === 'on';
  const trusted =
    logged && record.timeline === Number(facts.server.timeline) && !record.fromStandby && !facts.server.inRecovery;
  return {
    files: parent,
    sinceLsn: trusted ? parseLsn(record.startLsn) : undefined,
    rehashedTime: new Date(record.rehashedTime),
  };
}

function isSameCluster({ record }: ParentCluster, { facts, chunkBytes }: Situation): boolean {
  return (
    record.method === 'files' &&
    record.systemIdentifier === String(facts.server.systemIdentifier) &&
    record.blockBytes === Number(facts.settings.block_size) &&
    record.blocksPerSegment === Number(facts.settings.segment_size) &&
    record.chunkBytes === chunkBytes
  );
}

function mustRehash({ record }: ParentCluster, options: PhysicalBackupOptions, now: Date): boolean {
  if (options.rehash === 'always') return true;
  if (options.rehash === 'never') return false;
  const limitMs = (options.rehashAfterDays ?? defaultRehashDays) * dayMs;
  return now.getTime() - Date.parse(record.rehashedTime) > limitMs;
}
