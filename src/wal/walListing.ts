import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import { toLsn, type Lsn } from '../postgres/lsn.ts';
import {
  parseTimelineHistory,
  timelineAncestry,
  type TimelineAncestry,
  type TimelineId,
  type TimelineSwitch,
} from '../postgres/timeline.ts';
import type { WalFileName } from '../postgres/walFileName.ts';
import {
  defaultWalSegmentBytes,
  parseWalSegmentName,
  timelineOfSegmentName,
  type WalSegmentName,
} from '../postgres/walSegment.ts';
import { compareBigints } from './bigintOrder.ts';
import { parseWalObjectName, walPrefix } from './walObjectName.ts';
import type { WalArchive } from './walArchive.ts';

/** What the archive has of one timeline, by segment number. */
export interface TimelineFiles {
  readonly timeline: TimelineId;
  /** Ascending. */
  readonly segments: readonly bigint[];
  /** Segments of which an unfinished version is there and no whole one; ascending. */
  readonly partials: readonly bigint[];
}

/** What an archive holds, from one listing. */
export interface WalListing {
  /** Of the cluster; the default when the archive holds no WAL yet. */
  readonly segmentBytes: number;
  /** Ascending; only timelines that have segments or partials. */
  readonly timelines: readonly TimelineFiles[];
  /** Timelines with a history file -> where their WAL comes from. Timeline 1 is always there. */
  readonly ancestries: ReadonlyMap<TimelineId, TimelineAncestry>;
  /** Every object with its size, also the backup notes. */
  readonly objects: readonly WalListedObject[];
}

export interface WalListedObject {
  readonly file: WalFileName;
  readonly sizeBytes: number;
}

/**
 * Lists an archive and reads its history files and one segment (for the segment size).
 * Throws the errors of the backend, and `repository-damaged` or `wal-invalid` when what it has to read is damaged.
 */
export async function listArchive(ctx: Context, archive: WalArchive): Promise<WalListing> {
  const objects: WalListedObject[] = [];
  for await (const { name, sizeBytes } of archive.backend.list(ctx, walPrefix(archive.systemIdentifier))) {
    const file = parseWalObjectName(archive.systemIdentifier, name);
    if (file !== undefined) objects.push({ file, sizeBytes });
  }
  const segmentBytes = await readSegmentBytes(ctx, archive, objects);
  return {
    segmentBytes,
    timelines: groupByTimeline(objects, segmentBytes),
    ancestries: await readAncestries(ctx, archive, objects),
    objects,
  };
}

/** Number of the newest segment of a timeline, whole or not. */
export function newestSegment({ segments, partials }: TimelineFiles): bigint | undefined {
  const last = segments.at(-1);
  const partial = partials.at(-1);
  if (last === undefined || partial === undefined) return last ?? partial;
  return last > partial ? last : partial;
}

export function timelineFiles(listing: WalListing, timeline: TimelineId): TimelineFiles {
  return listing.timelines.find((files) => files.timeline === timeline) ?? { timeline, segments: [], partials: [] };
}

/** First LSN of a segment. */
export function segmentBegin(number: bigint, segmentBytes: number): Lsn {
  return toLsn(number * BigInt(segmentBytes));
}

/** The file of one segment. */
export function segmentFile(segment: WalSegmentName): WalFileName & { readonly kind: 'segment' } {
  return { kind: 'segment', segment };
}

function groupByTimeline(objects: readonly WalListedObject[], segmentBytes: number): TimelineFiles[] {
  const groups = new Map<TimelineId, { segments: bigint[]; partials: bigint[] }>();
  for (const { file } of objects) {
    if (file.kind !== 'segment' && file.kind !== 'partial') continue;
    const timeline = timelineOfSegmentName(file.segment);
    const group = groups.get(timeline) ?? { segments: [], partials: [] };
    groups.set(timeline, group);
    const { number } = parseWalSegmentName(file.segment, segmentBytes);
    (file.kind === 'segment' ? group.segments : group.partials).push(number);
  }
  return [...groups]
    .sort(([one], [other]) => one - other)
    .map(([timeline, { segments, partials }]) => {
      const whole = new Set(segments);
      return {
        timeline,
        segments: segments.sort(compareBigints),
        partials: partials.filter((number) => !whole.has(number)).sort(compareBigints),
      };
    });
}

/** From the smallest object: segments that were switched early compress to almost nothing. */
async function readSegmentBytes(
  ctx: Context,
  archive: WalArchive,
  objects: readonly WalListedObject[],
): Promise<number> {
  const wal = objects
    .filter(({ file }) => file.kind === 'segment' || file.kind === 'partial')
    .sort((one, other) => one.sizeBytes - other.sizeBytes);
  for (const { file } of wal) {
    try {
      return (await archive.get(ctx, file)).header.segmentBytes;
    } catch (error) {
      if (!isOperationError(error, 'object-missing')) throw error; // expired, or finished, since it was listed
    }
  }
  return defaultWalSegmentBytes;
}

async function readAncestries(
  ctx: Context,
  archive: WalArchive,
  objects: readonly WalListedObject[],
): Promise<Map<TimelineId, TimelineAncestry>> {
  const first = 1 as TimelineId;
  const ancestries = new Map<TimelineId, TimelineAncestry>([[first, timelineAncestry(first, [])]]);
  for (const { file } of objects) {
    if (file.kind !== 'history') continue;
    const switches = await readHistory(ctx, archive, file.timeline);
    ancestries.set(file.timeline, timelineAncestry(file.timeline, switches));
  }
  return ancestries;
}

/** The switches in an archived history file. Throws `object-missing` when there is no such file. */
export async function readHistory(
  ctx: Context,
  archive: WalArchive,
  timeline: TimelineId,
): Promise<readonly TimelineSwitch[]> {
  if (timeline === 1) return [];
  const { content } = await archive.get(ctx, { kind: 'history', timeline });
  return parseTimelineHistory(timeline, content.toString('utf8'));
}
