import { OperationError } from '../../base/errors.ts';
import type { WalFileName } from '../../postgres/walFileName.ts';
import type { TimelineId } from '../../postgres/timeline.ts';
import { parseWalSegmentName, segmentNumberAt } from '../../postgres/walSegment.ts';
import { ancestryOf } from '../walGaps.ts';
import { newestSegment, timelineFiles, type WalListing } from '../walListing.ts';
import { walFileNameText } from '../walObjectName.ts';
import { stretchesAlong } from '../walStretches.ts';

/** Why a file is not in a listing. */
export type Absence =
  /** It does not exist: recovery may end here. */
  | { readonly kind: 'proved' }
  /** There is an unfinished version of the segment, and nothing behind it. */
  | { readonly kind: 'unfinished' }
  /** It is in the listing after all: it came while we looked. */
  | { readonly kind: 'present' }
  /** It must have existed: recovery must not take its absence for the end. */
  | { readonly kind: 'lost'; readonly error: OperationError };

/** Explains the absence of a file that `get` did not find. `followed` is the timeline of the recovery, when known. */
export function explainAbsence(listing: WalListing, file: WalFileName, followed: TimelineId | undefined): Absence {
  const name = walFileNameText(file);
  if (listing.objects.some((object) => walFileNameText(object.file) === name)) return { kind: 'present' };
  if (file.kind === 'history') return explainHistory(listing, file.timeline, followed);
  return file.kind === 'segment' ? explainSegment(listing, file, followed) : { kind: 'proved' };
}

/** PostgreSQL counts timelines up and takes the first absent history file for the end of them. */
function explainHistory(listing: WalListing, timeline: TimelineId, followed: TimelineId | undefined): Absence {
  const later = [...listing.ancestries.keys()].find((other) => other > timeline);
  const hasWal = timeline > 1 && listing.timelines.some((files) => files.timeline === timeline);
  if (hasWal) return lost(`the history file of timeline ${timeline} is not in the archive, but WAL of it is`);
  if (later === undefined || followed !== undefined) return { kind: 'proved' };
  return lost(
    `the history file of timeline ${timeline} is not in the archive, but that of timeline ${later} is`,
    'recovery to the latest timeline would stop before it: set recovery_target_timeline, and --timeline to the same',
  );
}

function explainSegment(
  listing: WalListing,
  file: WalFileName & { readonly kind: 'segment' },
  followed: TimelineId | undefined,
): Absence {
  const { timeline, number } = parseWalSegmentName(file.segment, listing.segmentBytes);
  const files = timelineFiles(listing, timeline);
  const begin = ancestryOf(listing, timeline).at(-1)?.begin ?? 0n;
  const isOwn = number >= segmentNumberAt(begin as never, listing.segmentBytes);
  const newest = newestSegment(files);
  if (isOwn && newest !== undefined && newest > number) return gap(file.segment);
  const heirs = followed === undefined ? listing.timelines.map((other) => other.timeline) : [followed];
  if (heirs.some((heir) => isOnTheWay(listing, heir, { timeline, number }))) return gap(file.segment);
  return files.partials.includes(number) ? { kind: 'unfinished' } : { kind: 'proved' };
}

/** True when recovery into WAL that is there on timeline `heir` passes through this segment. */
function isOnTheWay(
  listing: WalListing,
  heir: TimelineId,
  { timeline, number }: { readonly timeline: TimelineId; readonly number: bigint },
): boolean {
  const newest = newestSegment(timelineFiles(listing, heir));
  if (heir === timeline || newest === undefined || newest < number) return false;
  return stretchesAlong(listing, ancestryOf(listing, heir)).some(
    (stretch) => stretch.timeline === timeline && number >= stretch.from && number < stretch.to,
  );
}

function gap(segment: string): Absence {
  return lost(
    `WAL segment ${segment} is missing from the archive, and later ones are there`,
    'recover to a target before it; or, to give up what lies behind, end recovery there with --end-at',
  );
}

function lost(message: string, hint = 'is this the whole repository? compare it with other copies'): Absence {
  return { kind: 'lost', error: new OperationError('wal-unavailable', message, { hint }) };
}
