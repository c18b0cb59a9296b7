import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { formatLsn, tryParseLsn, type Lsn } from '../postgres/lsn.ts';
import {
  ancestryContains,
  formatTimelineHex,
  toTimelineId,
  type TimelineAncestry,
  type TimelineId,
} from '../postgres/timeline.ts';
import type { WalArchive } from './walArchive.ts';

/** WAL that is known to be lost for good: a slot was invalidated, a server dropped WAL that nobody had stored. */
export interface WalGapMarker {
  readonly timeline: TimelineId;
  readonly begin: Lsn;
  /** First position from which WAL is there again. */
  readonly end: Lsn;
  readonly recordedAt: Date;
  /** For people: lower-case, how it came about. */
  readonly reason: string;
}

/** A base backup, as far as gaps are concerned. */
export interface BackupPoint {
  readonly timeline: TimelineId;
  readonly startLsn: Lsn;
}

/** Records a gap durably. The same one again replaces its record. */
export async function recordWalGap(ctx: Context, archive: WalArchive, gap: WalGapMarker): Promise<void> {
  const place = `${formatTimelineHex(gap.timeline)}-${gap.begin.toString(16).toUpperCase().padStart(16, '0')}`;
  const record = {
    timeline: gap.timeline,
    begin: formatLsn(gap.begin),
    end: formatLsn(gap.end),
    recordedAt: gap.recordedAt.toISOString(),
    reason: gap.reason,
  };
  const sealed = archive.codec.sealer.seal(Buffer.from(JSON.stringify(record)));
  await archive.backend.put(ctx, `${folder(archive)}${place}`, sealed);
}

/** All recorded gaps, oldest first. Throws `repository-damaged` for a record that cannot be read. */
export async function listWalGaps(ctx: Context, archive: WalArchive): Promise<WalGapMarker[]> {
  const names: string[] = [];
  for await (const { name } of archive.backend.list(ctx, folder(archive))) names.push(name);
  const gaps: WalGapMarker[] = [];
  for (const name of names)
    gaps.push(parseMarker(name, archive.codec.sealer.open(await archive.backend.get(ctx, name))));
  return gaps.sort((one, other) => Number(one.begin - other.begin) || one.timeline - other.timeline);
}

/**
 * The gaps behind which one cannot yet restore: no base backup has started after them in the present history. As long
 * as there is one, a new base backup is needed.
 */
export function gapsInNeedOfBackup(
  gaps: readonly WalGapMarker[],
  present: { readonly ancestry: TimelineAncestry; readonly backups: readonly BackupPoint[] },
): WalGapMarker[] {
  const inHistory = ({ timeline, startLsn }: BackupPoint) => ancestryContains(present.ancestry, timeline, startLsn);
  const newest = present.backups
    .filter(inHistory)
    .reduce<Lsn | undefined>((lsn, { startLsn }) => (lsn === undefined || startLsn > lsn ? startLsn : lsn), undefined);
  return gaps.filter(
    ({ timeline, begin, end }) =>
      ancestryContains(present.ancestry, timeline, begin) && (newest === undefined || newest < end),
  );
}

function folder(archive: WalArchive): string {
  return `understudy/wal-gaps/${archive.systemIdentifier}/`;
}

function parseMarker(name: string, plain: Buffer): WalGapMarker {
  const record = JSON.parse(plain.toString('utf8')) as Record<keyof WalGapMarker, unknown>;
  const begin = tryParseLsn(String(record.begin));
  const end = tryParseLsn(String(record.end));
  if (begin === undefined || end === undefined) {
    throw new OperationError('repository-damaged', `${name} does not tell which WAL is missing`, {
      hint: 'take a new base backup, then delete the object',
      detail: { object: name },
    });
  }
  return {
    timeline: toTimelineId(Number(record.timeline)),
    begin,
    end,
    recordedAt: new Date(String(record.recordedAt)),
    reason: String(record.reason),
  };
}
