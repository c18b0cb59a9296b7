import type { CaseName } from './options.ts';
import { toolNames } from './tools/backupTools.ts';

/** A figure that must hold: the peer takes at least so many times as long as we do. */
export interface Target {
  readonly case: CaseName;
  readonly dataSet: string;
  readonly ours: string;
  readonly peer: string;
  /** Default the same case. */
  readonly peerCase?: CaseName;
  readonly ratioAtLeast: number;
}

/** Resident memory of ours in every case. */
export const memoryLimitBytes = 500 * 1e6;

const { understudy, understudyDefault, pgbackrest, restic, receivewal } = toolNames;

export const targets: readonly Target[] = [
  { case: 'full', dataSet: 'pgbench', ours: understudy, peer: pgbackrest, ratioAtLeast: 1.9 },
  { case: 'full', dataSet: 'pgbench', ours: understudy, peer: restic, ratioAtLeast: 2.0 },
  { case: 'full', dataSet: 'realistic', ours: understudy, peer: pgbackrest, ratioAtLeast: 1.45 },
  { case: 'full', dataSet: 'realistic', ours: understudy, peer: restic, ratioAtLeast: 2.0 },
  { case: 'full', dataSet: 'realistic', ours: understudyDefault, peer: pgbackrest, ratioAtLeast: 1.9 },
  { case: 'full', dataSet: 'realistic', ours: understudyDefault, peer: restic, ratioAtLeast: 2.5 },
  ...onBothSets('unchanged', { [pgbackrest]: 6, [restic]: 2 }),
  ...onBothSets('updates', { [pgbackrest]: 3, [restic]: 2.5 }),
  ...onBothSets('restore', { [pgbackrest]: 1.6, [restic]: 1.4 }),
  ...onBothSets('delta-damaged', { [pgbackrest]: 2.5 }),
  ...onBothSets('delta-unchanged', { [pgbackrest]: 1.2 }),
  ...onBothSets('verify', { [pgbackrest]: 1.0, [restic]: 1.4 }),
  { case: 'wal-push', dataSet: 'WAL', ours: understudy, peer: pgbackrest, ratioAtLeast: 2 },
  { case: 'wal-receive', dataSet: 'WAL', ours: understudy, peer: pgbackrest, peerCase: 'wal-push', ratioAtLeast: 2 },
  { case: 'wal-receive', dataSet: 'WAL', ours: understudy, peer: receivewal, ratioAtLeast: 1 },
  { case: 'wal-replay', dataSet: 'WAL', ours: understudy, peer: pgbackrest, ratioAtLeast: 1.2 },
];

function onBothSets(name: CaseName, peers: Readonly<Record<string, number>>): Target[] {
  return ['pgbench', 'realistic'].flatMap((dataSet) =>
    Object.entries(peers).map(([peer, ratioAtLeast]) => ({
      case: name,
      dataSet,
      ours: understudy,
      peer,
      ratioAtLeast,
    })),
  );
}
