import type { ControlFile } from '../../postgres/controlFile.ts';
import { formatLsn, type Lsn } from '../../postgres/lsn.ts';
import type { TimelineId } from '../../postgres/timeline.ts';
import type { PhysicalBackupOptions } from '../physicalBackup.ts';
import type { PhysicalRecord } from '../physicalRecord.ts';
import type { ClusterFacts } from './clusterFacts.ts';
import type { ClusterFile } from './clusterTree.ts';
import type { Reuse } from './reuse.ts';
import type { StoredCluster } from './storeCluster.ts';

export interface RecordParts {
  readonly options: PhysicalBackupOptions;
  readonly facts: ClusterFacts;
  readonly control: ControlFile;
  readonly databases: PhysicalRecord['databases'];
  readonly stored: Omit<StoredCluster, 'files'> & { readonly files: readonly ClusterFile[] };
  readonly wal: readonly ClusterFile[];
  readonly reuse: Reuse;
  readonly startTime: Date;
  readonly stopTime: Date;
  readonly begin: Lsn;
  readonly end: Lsn;
  readonly timeline: TimelineId;
  readonly chunkBytes: number;
  readonly fromStandby: boolean;
  readonly skipped: readonly string[];
}

/** Settings that recovery compares with its own, and those that a person restoring wants to see. */
const recordedSettings = [
  'max_connections',
  'max_worker_processes',
  'max_wal_senders',
  'max_prepared_transactions',
  'max_locks_per_transaction',
  'wal_level',
  'shared_preload_libraries',
  'server_encoding',
] as const;

/** Puts the record of a backup together. */
export function composeRecord(parts: RecordParts): PhysicalRecord {
  const { options, facts, control, stored, reuse } = parts;
  const settings = recordedSettings.flatMap((name) => {
    const value = facts.settings[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    format: 1,
    kind: 'postgres',
    source: options.source,
    method: options.method,
    rehashed: reuse.files === undefined,
    rehashedTime: reuse.rehashedTime.toISOString(),
    parent: reuse.files?.snapshot.id ?? null,
    systemIdentifier: String(control.systemIdentifier),
    serverVersion: facts.server.major * 10_000,
    serverVersionText: facts.server.version,
    catalogVersion: control.catalogVersion,
    timeline: Number(parts.timeline),
    startLsn: formatLsn(parts.begin),
    stopLsn: formatLsn(parts.end),
    startTime: parts.startTime.toISOString(),
    stopTime: parts.stopTime.toISOString(),
    fromStandby: parts.fromStandby,
    walSegmentBytes: control.walSegmentBytes,
    blockBytes: control.blockBytes,
    blocksPerSegment: control.relationSegmentBlocks,
    chunkBytes: parts.chunkBytes,
    dataChecksums: control.dataChecksumVersion !== 0,
    pages: { ...stored.pages },
    files: {
      total: stored.files.length,
      changed: stored.changed,
      vanished: stored.vanished,
      shrunk: stored.shrunk,
    },
    sizeBytes: stored.files.reduce((sum, file) => sum + file.sizeBytes, 0),
    wal: parts.wal.map((file) => file.path.slice('pg_wal/'.length)),
    settings: Object.fromEntries(settings),
    databases: parts.databases,
    tablespaces: facts.tablespaces,
    externalFiles: [...facts.externalFiles, ...parts.skipped],
  };
}
