import type { Context } from '../../base/context.ts';
import { isOperationError } from '../../base/errors.ts';
import { formatLsn, parseLsn, type Lsn } from '../../postgres/lsn.ts';
import {
  parseTimelineHistory,
  timelineAncestry,
  timelineHistoryFileName,
  type TimelineAncestry,
} from '../../postgres/timeline.ts';
import { majorOfServerVersion } from '../../postgres/version.ts';
import { checkWalSegment } from '../../postgres/walPage.ts';
import { WalReader } from '../../postgres/walReader.ts';
import { segmentNamesAlong, segmentRange } from '../../postgres/walSegment.ts';
import { createdTablespaceOf, type CreatedTablespace } from '../../postgres/walTablespace.ts';
import type { Repository } from '../../repository/repository.ts';
import type { BaseBackup } from '../../restore/baseBackup.ts';
import { judge, type Outcome } from '../proof/checkList.ts';
import { loadClusterFile, type ClusterFiles } from './clusterFiles.ts';

export interface WalChain {
  readonly outcome: Outcome;
  /** Tablespaces that replay of this WAL creates. */
  readonly tablespaces: readonly CreatedTablespace[];
}

/**
 * Reads the WAL that the snapshot itself holds: every segment from start to stop is there and is what its name says,
 * and its records follow each other, checksums right, up to the stop of the backup.
 */
export async function checkWalChain(
  ctx: Context,
  repository: Repository,
  { backup, files }: { readonly backup: BaseBackup; readonly files: ClusterFiles },
): Promise<WalChain> {
  const { record, stopLsn, systemIdentifier } = backup;
  const wrong: string[] = [];
  const tablespaces: CreatedTablespace[] = [];
  const ancestry = await readAncestry(ctx, repository, { backup, files });
  const reader = new WalReader();
  let reached: Lsn | undefined;
  let records = 0;
  const major = majorOfServerVersion(record.serverVersion);
  const range = { begin: parseLsn(record.startLsn), end: stopLsn };
  for (const name of segmentNamesAlong(ancestry, range, record.walSegmentBytes)) {
    try {
      const segment = await loadClusterFile(ctx, repository, { files, path: `pg_wal/${name}` });
      checkWalSegment(segment, { name, systemIdentifier, segmentBytes: record.walSegmentBytes, major });
      for (const one of reader.read(segment, segmentRange(name, record.walSegmentBytes).begin)) {
        reached = one.end;
        records++;
        const created = createdTablespaceOf(one);
        if (created !== undefined) tablespaces.push(created);
      }
    } catch (error) {
      if (!isOperationError(error, 'backup-invalid', 'wal-invalid', 'cluster-mismatch', 'repository-damaged'))
        throw error;
      wrong.push(error.message);
      break; // what follows cannot be replayed anyhow
    }
  }
  if (wrong.length === 0 && (reached === undefined || reached < stopLsn)) {
    wrong.push(`the records end at ${reached === undefined ? record.startLsn : formatLsn(reached)}`);
  }
  const actual = `${records} records${reached === undefined ? '' : ` up to ${formatLsn(reached)}`}`;
  const expected = `WAL from ${record.startLsn} to ${record.stopLsn}`;
  return { outcome: judge(wrong, { expected, actual }), tablespaces };
}

async function readAncestry(
  ctx: Context,
  repository: Repository,
  { backup: { timeline }, files }: { readonly backup: BaseBackup; readonly files: ClusterFiles },
): Promise<TimelineAncestry> {
  if (Number(timeline) === 1) return timelineAncestry(timeline, []);
  const path = `pg_wal/${timelineHistoryFileName(timeline)}`;
  const text = (await loadClusterFile(ctx, repository, { files, path })).toString('utf8');
  return timelineAncestry(timeline, parseTimelineHistory(timeline, text));
}
