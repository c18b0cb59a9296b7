import type { Context } from '../base/context.ts';
import { assert } from '../base/errors.ts';
import type { Lsn } from '../postgres/lsn.ts';
import { ancestryContains, timelineAncestry, type TimelineAncestry, type TimelineId } from '../postgres/timeline.ts';
import { parseWalSegmentName, segmentNumberAt, timelineOfSegmentName } from '../postgres/walSegment.ts';
import { walObjectName } from './walObjectName.ts';
import type { WalArchive } from './walArchive.ts';
import type { WalListedObject, WalListing } from './walListing.ts';

/** A base backup that is kept, or is being taken. */
export interface KeptBackup {
  readonly timeline: TimelineId;
  readonly startLsn: Lsn;
  /** When it ended; undefined while it is being taken. */
  readonly endedAt: Date | undefined;
}

/**
 * `all`: one can recover from every kept backup to any later point. `since`: to any point from that time on; older
 * backups that are kept longer can be restored to their own end, for which they carry the WAL themselves.
 */
export type WalRetention = { readonly keep: 'all' } | { readonly keep: 'since'; readonly time: Date };

export interface WalExpiryPlan {
  /** Oldest first: whenever deleting stops, what is left has no hole. */
  readonly remove: readonly WalListedObject[];
  readonly removeBytes: number;
  readonly keepBytes: number;
}

/**
 * Decides which WAL no kept backup needs any more; changes nothing. History files are kept for ever. Without any backup
 * everything is kept, and so is a timeline whose history file is not archived, and the newest timeline as long as no
 * backup can be recovered into it.
 */
export function planWalExpiry(
  listing: WalListing,
  { backups, retention }: { readonly backups: readonly KeptBackup[]; readonly retention: WalRetention },
): WalExpiryPlan {
  const keepFrom = new Map(
    listing.timelines.map(({ timeline }) => [timeline, neededFrom(listing, timeline, { backups, retention })]),
  );
  const remove: { readonly object: WalListedObject; readonly number: bigint }[] = [];
  let removeBytes = 0;
  let keepBytes = 0;
  for (const object of listing.objects) {
    const { file, sizeBytes } = object;
    const number = file.kind === 'history' ? undefined : parseWalSegmentName(file.segment, listing.segmentBytes).number;
    const needed = file.kind === 'history' ? 0n : (keepFrom.get(timelineOfSegmentName(file.segment)) ?? 0n);
    if (number === undefined || (needed !== 'nothing' && number >= needed)) {
      keepBytes += sizeBytes;
      continue;
    }
    remove.push({ object, number });
    removeBytes += sizeBytes;
  }
  remove.sort((one, other) => Number(one.number - other.number) || order(one.object) - order(other.object));
  return { remove: remove.map(({ object }) => object), removeBytes, keepBytes };
}

/** Deletes what a plan says, one object after the other. Safe to stop and to repeat. */
export async function applyWalExpiry(ctx: Context, archive: WalArchive, plan: WalExpiryPlan): Promise<void> {
  for (const { file } of plan.remove) {
    assert(file.kind !== 'history', 'a history file is kept for ever');
    await archive.backend.delete(ctx, walObjectName(archive.systemIdentifier, file));
  }
}

/** First segment of a timeline that some kept backup needs. */
function neededFrom(
  listing: WalListing,
  timeline: TimelineId,
  { backups, retention }: { readonly backups: readonly KeptBackup[]; readonly retention: WalRetention },
): bigint | 'nothing' {
  const ancestry = listing.ancestries.get(timeline) ?? (timeline === 1 ? timelineAncestry(timeline, []) : undefined);
  if (ancestry === undefined || backups.length === 0) return 0n;
  const usable = inWindow(
    backups.filter((backup) => ancestryContains(ancestry, backup.timeline, backup.startLsn)),
    retention,
  );
  const firsts = usable.map((backup) => segmentNumberAt(firstLsnOn(timeline, ancestry, backup), listing.segmentBytes));
  if (firsts.length > 0) return firsts.reduce((one, other) => (one < other ? one : other));
  return timeline === listing.timelines.at(-1)?.timeline ? 0n : 'nothing';
}

function firstLsnOn(timeline: TimelineId, ancestry: TimelineAncestry, backup: KeptBackup): Lsn {
  const span = ancestry.at(-1)!;
  return backup.timeline === timeline ? backup.startLsn : span.begin;
}

/**
 * Of several backups those from which points in the window are reached: also the newest that is older than the window.
 */
function inWindow(backups: readonly KeptBackup[], retention: WalRetention): KeptBackup[] {
  if (retention.keep === 'all') return [...backups];
  const isOlder = ({ endedAt }: KeptBackup): boolean => endedAt !== undefined && endedAt <= retention.time;
  const older = backups.filter(isOlder).sort((one, other) => Number(one.endedAt) - Number(other.endedAt));
  return [...backups.filter((backup) => !isOlder(backup)), ...older.slice(-1)];
}

function order({ file }: WalListedObject): number {
  return file.kind === 'history' ? file.timeline : timelineOfSegmentName(file.segment);
}
