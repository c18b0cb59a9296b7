import { toTimelineId, type TimelineId } from './timeline.ts';
import { isWalSegmentName, type WalSegmentName } from './walSegment.ts';

/**
 * What PostgreSQL can ask an archive to store or to give back:
 * - `segment`: a whole WAL segment;
 * - `partial`: the last segment of a timeline that was left by a promotion, `<segment>.partial`; recovery never asks;
 * - `history`: a timeline history file, `<timeline>.history`;
 * - `backup`: the notes of a finished backup, `<segment>.<offset>.backup`; the offset is where in the segment it began.
 */
export type WalFileName =
  | { readonly kind: 'segment'; readonly segment: WalSegmentName }
  | { readonly kind: 'partial'; readonly segment: WalSegmentName }
  | { readonly kind: 'history'; readonly timeline: TimelineId }
  | { readonly kind: 'backup'; readonly segment: WalSegmentName; readonly offsetBytes: number };

const pattern = /^(?:([0-9A-F]{24})(\.partial|\.([0-9A-F]{8})\.backup)?|([0-9A-F]{8})\.history)$/;

/** Tells the kind of a file by its base name; undefined for names that PostgreSQL never archives. */
export function parseWalFileName(name: string): WalFileName | undefined {
  const [, segment, suffix, offset, timeline] = pattern.exec(name) ?? [];
  if (timeline !== undefined) {
    const id = Number.parseInt(timeline, 16);
    return id === 0 ? undefined : { kind: 'history', timeline: toTimelineId(id) };
  }
  if (segment === undefined || !isWalSegmentName(segment)) return undefined;
  if (suffix === undefined) return { kind: 'segment', segment };
  if (suffix === '.partial') return { kind: 'partial', segment };
  return { kind: 'backup', segment, offsetBytes: Number.parseInt(offset as string, 16) };
}
