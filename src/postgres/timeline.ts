import { OperationError, assert } from '../base/errors.ts';
import { formatLsn, invalidLsn, tryParseLsn, type Lsn } from './lsn.ts';

declare const timelineBrand: unique symbol;

/** A line of WAL history: 1 after initdb, a new one at each promotion and each recovery to a target. 32 bits. */
export type TimelineId = number & { readonly [timelineBrand]: true };

/** One line of a timeline history file: where the history left `parent`, and why (free text). */
export interface TimelineSwitch {
  readonly parent: TimelineId;
  readonly switchPoint: Lsn;
  readonly reason: string;
}

/** The WAL from `begin` (inclusive) to `end` (exclusive; undefined: still growing) that one timeline contributes. */
export interface TimelineSpan {
  readonly timeline: TimelineId;
  readonly begin: Lsn;
  readonly end: Lsn | undefined;
}

/** Where a cluster's WAL comes from, oldest span first: contiguous, none empty, only the last without an end. */
export type TimelineAncestry = readonly [TimelineSpan, ...TimelineSpan[]];

const maxTimeline = 0xffff_ffff;

/** A timeline from a number that PostgreSQL wrote. Out of range is our own bug. */
export function toTimelineId(value: number): TimelineId {
  assert(Number.isInteger(value) && value >= 1 && value <= maxTimeline, 'a timeline is between 1 and 4294967295');
  return value as TimelineId;
}

/** Reads a timeline as `recovery_target_timeline` does: decimal, or hexadecimal after `0x`. Throws `usage`. */
export function parseTimelineId(text: string): TimelineId {
  const value = /^([0-9]{1,10}|0[xX][0-9A-Fa-f]{1,8})$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > maxTimeline) {
    throw new OperationError('usage', `'${text}' is not a timeline`, {
      hint: 'give a number as in 3, or as in a file name with 0x before it: 0x0000000A is timeline 10',
    });
  }
  return value as TimelineId;
}

/** `00000002.history`. Timeline 1 has no history file. */
export function timelineHistoryFileName(timeline: TimelineId): string {
  return `${formatTimelineHex(timeline)}.history`;
}

/** Eight upper-case hexadecimal digits, as WAL file names begin. */
export function formatTimelineHex(timeline: TimelineId): string {
  return timeline.toString(16).toUpperCase().padStart(8, '0');
}

/** Reads the history file of `timeline`, as leniently as PostgreSQL: comments, blank lines and any reason pass. */
export function parseTimelineHistory(timeline: TimelineId, text: string): TimelineSwitch[] {
  const switches: TimelineSwitch[] = [];
  for (const line of text.split('\n')) {
    if (/^\s*(#|$)/.test(line)) continue;
    const entry = parseSwitch(timeline, line);
    const previous = switches.at(-1)?.parent ?? 0;
    if (entry.parent <= previous) throw historyError(timeline, line, 'timelines must rise from line to line');
    if (entry.parent >= timeline) throw historyError(timeline, line, 'a parent must be older than its child');
    switches.push(entry);
  }
  return switches;
}

/** Text of a history file. `parseTimelineHistory` gives back the same switches if the reasons have no newline. */
export function formatTimelineHistory(switches: readonly TimelineSwitch[]): string {
  return switches.map((entry) => `${entry.parent}\t${formatLsn(entry.switchPoint)}\t${entry.reason}\n`).join('\n');
}

/**
 * The ancestry of `timeline` from the switches in its history file (none: the timeline has no parent).
 *
 * PostgreSQL names as parent the timeline that recovery was *aiming* at, even when it stopped before that one began,
 * so switch points may fall from one line to the next. As in the server the newest timeline wins: a younger span
 * cuts off the older ones, and a timeline that contributes nothing is left out.
 */
export function timelineAncestry(timeline: TimelineId, switches: readonly TimelineSwitch[]): TimelineAncestry {
  let begin = switches.at(-1)?.switchPoint ?? invalidLsn;
  const spans: [TimelineSpan, ...TimelineSpan[]] = [{ timeline, begin, end: undefined }];
  for (let i = switches.length - 1; i >= 0; i--) {
    const ownBegin = switches[i - 1]?.switchPoint ?? invalidLsn;
    if (ownBegin >= begin) continue;
    spans.unshift({ timeline: (switches[i] as TimelineSwitch).parent, begin: ownBegin, end: begin });
    begin = ownBegin;
  }
  return spans;
}

/** The span whose timeline holds the WAL byte at `lsn`. A switch point belongs to the new timeline. */
export function timelineAt(ancestry: TimelineAncestry, lsn: Lsn): TimelineSpan {
  const span = ancestry.findLast((candidate) => candidate.begin <= lsn);
  assert(span !== undefined, 'an ancestry begins at 0/0');
  return span;
}

/** True when the point `lsn` on `timeline` lies in the ancestry's past: recovery along it can pass through there. */
export function ancestryContains(ancestry: TimelineAncestry, timeline: TimelineId, lsn: Lsn): boolean {
  const span = ancestry.find((candidate) => candidate.timeline === timeline);
  return span !== undefined && lsn >= span.begin && (span.end === undefined || lsn <= span.end);
}

/**
 * The last point that two histories share: the timeline and the LSN where they part (undefined: they do not part on
 * this timeline, one is the other's tip). Undefined when they share nothing.
 */
export function commonAncestor(
  one: TimelineAncestry,
  other: TimelineAncestry,
): { readonly timeline: TimelineId; readonly until: Lsn | undefined } | undefined {
  let shared: { timeline: TimelineId; until: Lsn | undefined } | undefined;
  for (const [i, span] of one.entries()) {
    const twin = other[i];
    if (twin === undefined || twin.timeline !== span.timeline || twin.begin !== span.begin) break;
    shared = { timeline: span.timeline, until: earlier(span.end, twin.end) };
    if (span.end !== twin.end) break;
  }
  return shared;
}

function earlier(one: Lsn | undefined, other: Lsn | undefined): Lsn | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one < other ? one : other;
}

function parseSwitch(timeline: TimelineId, line: string): TimelineSwitch {
  const match = /^\s*([0-9]{1,10})\s+([0-9A-Fa-f/]+)(?:\s+(.*))?$/.exec(line);
  const parent = Number(match?.[1]);
  const switchPoint = tryParseLsn(match?.[2] ?? '');
  if (!(parent >= 1) || parent > maxTimeline || switchPoint === undefined) {
    throw historyError(timeline, line, 'a line is a timeline number, a tab, and a WAL position');
  }
  return { parent: parent as TimelineId, switchPoint, reason: match?.[3] ?? '' };
}

function historyError(timeline: TimelineId, line: string, rule: string): OperationError {
  return new OperationError(
    'wal-invalid',
    `timeline history ${timelineHistoryFileName(timeline)} is damaged: '${line}'`,
    {
      hint: `${rule}; compare the file with the one in pg_wal of the server`,
      detail: { timeline, line },
    },
  );
}
