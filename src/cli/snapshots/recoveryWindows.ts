import type { Context } from '../../base/context.ts';
import { isOperationError } from '../../base/errors.ts';
import { formatLsn, parseLsn } from '../../postgres/lsn.ts';
import { parseSystemIdentifier } from '../../postgres/systemIdentifier.ts';
import { toTimelineId } from '../../postgres/timeline.ts';
import type { Repository } from '../../repository/repository.ts';
import type { BaseBackup } from '../../restore/baseBackup.ts';
import {
  describeWindow,
  findRecoveryWindows,
  loadClusters,
  type RecoveryWindow,
} from '../../restore/recoveryWindow.ts';
import { formatUtcMicroseconds } from '../../restore/zonedTime.ts';
import type { Printer } from '../printer.ts';
import type { DescribedSnapshot } from './describeSnapshot.ts';

/**
 * Prints to which moments each source can be recovered: what the archived WAL adds to its backups. Nothing where no
 * WAL is archived; an archive that cannot be read is warned of.
 */
export async function printRecoveryWindows(
  ctx: Context,
  repository: Repository,
  { described, printer }: { readonly described: readonly DescribedSnapshot[]; readonly printer: Printer },
): Promise<void> {
  const sources = Map.groupBy(described.flatMap(baseBackup), ({ record }) => record.source);
  for (const [source, backups] of sources) {
    try {
      for (const cluster of await loadClusters(ctx, repository, backups)) {
        if (cluster.wal.isEmpty) continue;
        for (const window of (await findRecoveryWindows(ctx, cluster)).toReversed()) {
          const text = (): string => `${source} recovers to any moment from ${describeWindow(window)}`;
          printer.result('recovery_window', windowFields(source, window), text);
        }
      }
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (!isOperationError(error)) throw error;
      printer.warn(`the recovery window of ${source} cannot be told: ${error.message}`);
    }
  }
}

function baseBackup({ snapshot, record }: DescribedSnapshot): BaseBackup[] {
  if (record === undefined) return [];
  return [
    {
      snapshot,
      record,
      systemIdentifier: parseSystemIdentifier(record.systemIdentifier),
      timeline: toTimelineId(record.timeline),
      stopLsn: parseLsn(record.stopLsn),
      stopTime: new Date(record.stopTime),
    },
  ];
}

function windowFields(source: string, window: RecoveryWindow): Record<string, unknown> {
  const { systemIdentifier, timeline, backups, begin, end, gap } = window;
  return {
    source,
    system_identifier: systemIdentifier,
    timeline,
    snapshots: backups.map(({ snapshot }) => snapshot.id),
    begin_time: formatUtcMicroseconds(begin.timeUs),
    begin_lsn: formatLsn(begin.lsn),
    ...(end.timeUs === undefined ? {} : { end_time: formatUtcMicroseconds(end.timeUs) }),
    end_lsn: formatLsn(end.lsn),
    ...(gap === undefined ? {} : { then_missing: gap.first }),
  };
}
