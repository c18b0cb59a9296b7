import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { timelineAncestry, type TimelineId, type TimelineSwitch } from '../../postgres/timeline.ts';
import {
  formatWalSegmentName,
  parseWalSegmentName,
  segmentNumberAt,
  type WalSegmentName,
} from '../../postgres/walSegment.ts';
import type { WalArchive } from '../walArchive.ts';
import { readHistory } from '../walListing.ts';

export interface RecoveryHistory {
  /** The timeline that recovery follows; unknown when undefined. */
  readonly timeline?: TimelineId | undefined;
  /** Recovery is to end before this segment, although the archive may have more. */
  readonly endAt?: WalSegmentName | undefined;
}

/**
 * Which of the archived WAL belongs to the history that a recovery follows. PostgreSQL asks for a segment on the newest
 * timeline first, and when that one is not there for the same segment on older timelines, also behind the point where
 * the histories parted: there the old timeline's WAL must not be replayed.
 */
export class RecoveryView {
  readonly #archive: WalArchive;
  readonly #history: RecoveryHistory;
  readonly #histories = new Map<TimelineId, readonly TimelineSwitch[]>();

  constructor(archive: WalArchive, history: RecoveryHistory) {
    this.#archive = archive;
    this.#history = history;
  }

  get timeline(): TimelineId | undefined {
    return this.#history.timeline;
  }

  /** True for segments from the accepted end of recovery on, whatever their timeline. */
  isBehindEnd(segment: WalSegmentName): boolean {
    const { endAt } = this.#history;
    return endAt !== undefined && segment.slice(8) >= endAt.slice(8);
  }

  /**
   * How many bytes of a segment that is there belong to the history: all, those before a switch point, or none (0).
   * Throws `wal-unavailable` when that cannot be told: the segment lies behind a switch to another timeline whose own
   * segment is not there, and nobody said which timeline is followed; or recovery follows another one than was said.
   */
  async usableBytes(ctx: Context, segment: WalSegmentName, segmentBytes: number): Promise<number> {
    const { timeline, number } = parseWalSegmentName(segment, segmentBytes);
    if (this.#history.timeline !== undefined) {
      return this.#usableOnTheWayTo(ctx, this.#history.timeline, { timeline, number, segmentBytes });
    }
    for (const child of await this.#laterTimelines(ctx, timeline)) {
      const ancestry = timelineAncestry(child, await this.#historyOf(ctx, child));
      const span = ancestry.find((candidate) => candidate.timeline === timeline);
      if (span?.end === undefined || number < segmentNumberAt(span.end, segmentBytes)) continue;
      if (!(await this.#hasOwn(ctx, formatWalSegmentName({ timeline: child, number }, segmentBytes)))) {
        throw ambiguous(segment, child);
      }
    }
    return segmentBytes;
  }

  async #usableOnTheWayTo(
    ctx: Context,
    followed: TimelineId,
    { timeline, number, segmentBytes }: { timeline: TimelineId; number: bigint; segmentBytes: number },
  ): Promise<number> {
    const switches = await this.#historyOf(ctx, followed);
    const span = timelineAncestry(followed, switches).find((candidate) => candidate.timeline === timeline);
    if (span === undefined) {
      // a parent that the history left before it began contributes nothing
      if (switches.some(({ parent }) => parent === timeline)) return 0;
      throw anotherHistory(timeline, followed);
    }
    if (span.end === undefined) return segmentBytes;
    const bytes = span.end - number * BigInt(segmentBytes);
    return bytes <= 0n ? 0 : Math.min(segmentBytes, Number(bytes));
  }

  async #historyOf(ctx: Context, timeline: TimelineId): Promise<readonly TimelineSwitch[]> {
    const known = this.#histories.get(timeline);
    if (known !== undefined) return known;
    const switches = await readHistory(ctx, this.#archive, timeline);
    this.#histories.set(timeline, switches);
    return switches;
  }

  /** Timelines after this one, as PostgreSQL finds them: up to the first without a history file. */
  async #laterTimelines(ctx: Context, timeline: TimelineId): Promise<TimelineId[]> {
    const later: TimelineId[] = [];
    for (let next = (timeline + 1) as TimelineId; ; next = (next + 1) as TimelineId) {
      if (!(await this.#archive.has(ctx, { kind: 'history', timeline: next }))) return later;
      later.push(next);
    }
  }

  async #hasOwn(ctx: Context, segment: WalSegmentName): Promise<boolean> {
    return (
      (await this.#archive.has(ctx, { kind: 'segment', segment })) ||
      this.#archive.has(ctx, { kind: 'partial', segment })
    );
  }
}

function anotherHistory(timeline: TimelineId, followed: TimelineId): OperationError {
  return new OperationError('wal-unavailable', `timeline ${timeline} is not in the history of timeline ${followed}`, {
    hint: 'is --timeline the one that recovery_target_timeline names?',
    detail: { timeline, followed },
  });
}

function ambiguous(segment: WalSegmentName, child: TimelineId): OperationError {
  return new OperationError(
    'wal-unavailable',
    `${segment} lies behind the switch to timeline ${child}, whose own segment is not in the archive`,
    {
      hint: 'say with --timeline which timeline the recovery follows (recovery_target_timeline)',
      detail: { name: segment, timeline: child },
    },
  );
}
