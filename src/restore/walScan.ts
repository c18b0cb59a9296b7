import type { Context } from '../base/context.ts';
import { toLsn, type Lsn } from '../postgres/lsn.ts';
import type { TimelineAncestry } from '../postgres/timeline.ts';
import { majorOfServerVersion, type PostgresMajor } from '../postgres/version.ts';
import { walEventOf, type WalEvent } from '../postgres/walEvent.ts';
import { WalReader, type WalRecord } from '../postgres/walReader.ts';
import { segmentNumberAt } from '../postgres/walSegment.ts';
import type { BaseBackup } from './baseBackup.ts';
import type { ClusterWal } from './clusterWal.ts';

/** The WAL between the end of a backup and the last of what is archived without a hole, along one history. */
export interface WalPath {
  readonly wal: ClusterWal;
  readonly backup: BaseBackup;
  readonly ancestry: TimelineAncestry;
  /** Exact to a segment, or to what there is of the last one. */
  readonly until: Lsn;
}

/** Where archived WAL ends, to the record. */
export interface WalEnd {
  /** Begin of the last record: the greatest LSN that can be a target. */
  readonly lastRecord: Lsn;
  /** Behind the last record. */
  readonly end: Lsn;
  /**
   * Time of the last commit or abort in microseconds since 1970; undefined when the last `commitSearchSegments`
   * segments hold none.
   */
  readonly lastTimeUs: bigint | undefined;
}

/** One record, with what it means to recovery targets. */
export interface ScannedRecord {
  readonly record: WalRecord;
  readonly event: WalEvent | undefined;
}

/** A quiet server still switches segments: how far back the last commit is looked for. */
const commitSearchSegments = 64;

/** Numbers of the first and last segment of a path; the last is below the first when there is no WAL. */
export function segmentsOf({ wal, backup, until }: WalPath): { first: bigint; last: bigint } {
  const { segmentBytes } = wal.listing;
  const first = segmentNumberAt(backup.stopLsn, segmentBytes);
  const hasAny = wal.isEmpty ? false : until > toLsn(first * BigInt(segmentBytes)) && until > backup.stopLsn;
  return { first, last: hasAny ? segmentNumberAt(toLsn(until - 1n), segmentBytes) : first - 1n };
}

/**
 * The records of some segments of a path, in order. A record that begins before the first of them is left out. Throws
 * `repository-damaged` and the like for a segment that cannot be read, naming it.
 */
export async function* scanSegments(
  ctx: Context,
  path: WalPath,
  range: { readonly first: bigint; readonly last: bigint },
): AsyncGenerator<ScannedRecord> {
  const { wal, ancestry, until } = path;
  const major: PostgresMajor = majorOfServerVersion(path.backup.record.serverVersion);
  const reader = new WalReader();
  for (let number = range.first; number <= range.last; number++) {
    ctx.signal.throwIfAborted();
    const found = wal.fileAt(ancestry, number);
    if (found === undefined) return;
    const { content } = await wal.archive.get(ctx, found.file);
    const limit = found.until !== undefined && found.until < until ? found.until : until;
    for (const record of reader.read(content, toLsn(number * BigInt(wal.listing.segmentBytes)))) {
      if (record.begin >= limit) break;
      yield { record, event: walEventOf(record, major) };
    }
  }
}

/** Where the WAL of a path ends; undefined when there is none behind the backup. */
export async function readWalEnd(ctx: Context, path: WalPath): Promise<WalEnd | undefined> {
  const { first, last } = segmentsOf(path);
  let end: WalEnd | undefined;
  for (let back = last; back >= first && back > last - BigInt(commitSearchSegments); back--) {
    // from one earlier on, so that a record that spans both is seen
    const from = back > first ? back - 1n : back;
    const found = await endOfSegments(ctx, path, { first: from, last: back });
    end = found === undefined ? end : { ...found, ...end, lastTimeUs: found.lastTimeUs };
    if (end?.lastTimeUs !== undefined) break;
  }
  return end;
}

async function endOfSegments(
  ctx: Context,
  path: WalPath,
  range: { readonly first: bigint; readonly last: bigint },
): Promise<WalEnd | undefined> {
  let newest: WalRecord | undefined;
  let lastTimeUs: bigint | undefined;
  for await (const { record, event } of scanSegments(ctx, path, range)) {
    newest = record;
    if (event !== undefined && event.kind !== 'restore-point') lastTimeUs = event.timeUs;
  }
  return newest === undefined ? undefined : { lastRecord: newest.begin, end: newest.end, lastTimeUs };
}
