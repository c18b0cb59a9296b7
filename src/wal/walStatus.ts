import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import { addToLsn, type Lsn } from '../postgres/lsn.ts';
import type { SystemIdentifier } from '../postgres/systemIdentifier.ts';
import type { TimelineId } from '../postgres/timeline.ts';
import { formatWalSegmentName } from '../postgres/walSegment.ts';
import type { WalArchive } from './walArchive.ts';
import { gapsInNeedOfBackup, listWalGaps, type BackupPoint, type WalGapMarker } from './walGapMarkers.ts';
import { ancestryOf, findGaps, findRanges, type WalRange } from './walGaps.ts';
import { listArchive, newestSegment, segmentBegin, type TimelineFiles, type WalListing } from './walListing.ts';

export interface WalArchiveStatus {
  readonly systemIdentifier: SystemIdentifier;
  readonly segmentBytes: number;
  readonly files: number;
  /** Size on storage. */
  readonly storedBytes: number;
  readonly ranges: readonly WalRange[];
  /** End of what there is of the newest timeline; undefined while there is no WAL. */
  readonly newest: NewestWal | undefined;
  /** Holes that the archive shows. */
  readonly gaps: readonly WalRange[];
  /** WAL that was recorded as lost. */
  readonly lost: readonly WalGapMarker[];
  /** True when no base backup has started behind one of them: one cannot recover to the present. */
  readonly backupNeeded: boolean;
}

export interface NewestWal {
  readonly timeline: TimelineId;
  /** Exact to the byte where the last segment is an unfinished one. */
  readonly lsn: Lsn;
  readonly storedAt: Date;
}

/** What an archive holds and what it lacks. `backups` are the base backups that are kept. */
export async function readArchiveStatus(
  ctx: Context,
  archive: WalArchive,
  backups: readonly BackupPoint[],
): Promise<WalArchiveStatus> {
  return archiveStatusOf(ctx, archive, { listing: await listArchive(ctx, archive), backups });
}

/** The same of an archive that has been listed. */
export async function archiveStatusOf(
  ctx: Context,
  archive: WalArchive,
  { listing, backups }: { readonly listing: WalListing; readonly backups: readonly BackupPoint[] },
): Promise<WalArchiveStatus> {
  const gaps = findGaps(listing);
  const lost = await listWalGaps(ctx, archive);
  return {
    systemIdentifier: archive.systemIdentifier,
    segmentBytes: listing.segmentBytes,
    files: listing.objects.length,
    storedBytes: listing.objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    ranges: findRanges(listing),
    newest: await readNewest(ctx, archive, listing),
    gaps,
    lost,
    backupNeeded: isBackupNeeded(listing, [...gaps.map(asMarker), ...lost], backups),
  };
}

function isBackupNeeded(listing: WalListing, gaps: readonly WalGapMarker[], backups: readonly BackupPoint[]): boolean {
  const newest = listing.timelines.at(-1);
  if (newest === undefined) return gaps.length > 0;
  const present = { ancestry: ancestryOf(listing, newest.timeline), backups };
  return gapsInNeedOfBackup(gaps, present).length > 0;
}

function asMarker({ timeline, begin, end }: WalRange): WalGapMarker {
  return { timeline, begin, end, recordedAt: new Date(0), reason: 'not in the archive' };
}

async function readNewest(ctx: Context, archive: WalArchive, listing: WalListing): Promise<NewestWal | undefined> {
  const files = listing.timelines.at(-1);
  const number = files === undefined ? undefined : newestSegment(files);
  if (files === undefined || number === undefined) return undefined;
  try {
    return await readEnd(ctx, archive, { listing, files, number });
  } catch (error) {
    // finished since it was listed
    if (!isOperationError(error, 'object-missing')) throw error;
    return readEnd(ctx, archive, { listing, files: { ...files, segments: [number] }, number });
  }
}

async function readEnd(
  ctx: Context,
  archive: WalArchive,
  at: { readonly listing: WalListing; readonly files: TimelineFiles; readonly number: bigint },
): Promise<NewestWal> {
  const { timeline, segments } = at.files;
  const { segmentBytes } = at.listing;
  const segment = formatWalSegmentName({ timeline, number: at.number }, segmentBytes);
  const kind = segments.includes(at.number) ? 'segment' : 'partial';
  const { header } = await archive.get(ctx, { kind, segment });
  const lsn = addToLsn(segmentBegin(at.number, segmentBytes), BigInt(header.contentBytes));
  return { timeline, lsn, storedAt: header.storedAt };
}
