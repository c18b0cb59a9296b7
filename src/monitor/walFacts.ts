import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import { formatLsn, parseLsn, type Lsn } from '../postgres/lsn.ts';
import type { TimelineId } from '../postgres/timeline.ts';
import type { Repository } from '../repository/repository.ts';
import type { BaseBackup } from '../restore/baseBackup.ts';
import { findRecoveryWindows, loadClusters, type RecoveryWindow } from '../restore/recoveryWindow.ts';
import type { WalRange } from '../wal/walGaps.ts';
import { archiveStatusOf } from '../wal/walStatus.ts';
import type { SourceFacts, WalFacts } from './facts.ts';
import { serverFacts, type ServerAnswer } from './serverFacts.ts';

export interface WalOf {
  /** Good ones, oldest first, of one source; not empty. */
  readonly backups: readonly BaseBackup[];
  readonly server: ServerAnswer | undefined;
}

/**
 * What the archived WAL adds to the backups of a cluster; of several clusters under one name the newest counts.
 * Undefined where none is archived. WAL that is damaged or cannot be read is said so; storage that is away throws.
 */
export async function walFacts(ctx: Context, repository: Repository, of: WalOf): Promise<SourceFacts['wal']> {
  try {
    return await readFacts(ctx, repository, of);
  } catch (error) {
    if (!isOperationError(error, 'repository-damaged', 'repository-unsupported', 'wal-invalid', 'object-missing')) {
      throw error;
    }
    return { unreadable: error.message };
  }
}

async function readFacts(ctx: Context, repository: Repository, of: WalOf): Promise<WalFacts | undefined> {
  const newest = of.backups.at(-1);
  const clusters = await loadClusters(ctx, repository, of.backups);
  const cluster = clusters.find(({ wal }) => wal.archive.systemIdentifier === newest?.systemIdentifier);
  if (newest === undefined || cluster === undefined || cluster.wal.isEmpty) return undefined;
  const windows = await findRecoveryWindows(ctx, cluster);
  const points = cluster.backups.map(({ timeline, record }) => ({ timeline, startLsn: parseLsn(record.startLsn) }));
  const { archive, listing } = cluster.wal;
  const status = await archiveStatusOf(ctx, archive, { listing, backups: points });
  const archived = status.newest;
  const timeline = presentTimeline(windows, of.server) ?? archived?.timeline;
  // of a history that no good backup leads to, nothing can be recovered, however much of it is there
  const present = windows.find((window) => window.timeline === timeline && window.gap === undefined);
  const needed = status.backupNeeded && timeline === archived?.timeline;
  const window = present ?? windows.find(({ backups }) => backups.includes(newest));
  return {
    segments: Number(status.ranges.reduce((sum, { segments }) => sum + segments, 0n)),
    storedBytes: status.storedBytes,
    window: windowFacts(newest, window),
    newest: archived === undefined ? undefined : { lsn: formatLsn(archived.lsn), storedAt: archived.storedAt },
    gaps: [...status.gaps.map(gapText), ...status.lost.map(({ begin, end }) => between(begin, end))],
    backupNeeded: needed || present === undefined,
    behindBackup: archived === undefined || (archived.timeline <= newest.timeline && archived.lsn < newest.stopLsn),
    server: serverFacts(status, of.server),
  };
}

/** The server knows which history is its own: somebody may have started a copy of it, which archives another one. */
function presentTimeline(windows: readonly RecoveryWindow[], server: ServerAnswer | undefined): TimelineId | undefined {
  if (server === undefined || 'unreachable' in server || server.isStandby) return undefined;
  const { systemIdentifier, timeline } = server;
  const own = windows.find((window) => window.systemIdentifier === systemIdentifier && window.timeline === timeline);
  return own?.timeline;
}

function windowFacts(newest: BaseBackup, window: RecoveryWindow | undefined): WalFacts['window'] {
  const lastUs = window?.end.timeUs;
  return {
    begin: window === undefined ? newest.stopTime : new Date(Number(window.begin.timeUs / 1000n)),
    endLsn: formatLsn(window?.end.lsn ?? newest.stopLsn),
    lastCommit: lastUs === undefined ? undefined : new Date(Number(lastUs / 1000n)),
  };
}

function gapText({ begin, end, timeline }: WalRange): string {
  return `${between(begin, end)} of timeline ${timeline}`;
}

function between(begin: Lsn, end: Lsn): string {
  return `${formatLsn(begin)} to ${formatLsn(end)}`;
}
