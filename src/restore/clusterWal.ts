import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import { toLsn, type Lsn } from '../postgres/lsn.ts';
import type { SystemIdentifier } from '../postgres/systemIdentifier.ts';
import { ancestryContains, type TimelineAncestry, type TimelineId } from '../postgres/timeline.ts';
import type { WalFileName } from '../postgres/walFileName.ts';
import { formatWalSegmentName } from '../postgres/walSegment.ts';
import type { Repository } from '../repository/repository.ts';
import { WalArchive } from '../wal/walArchive.ts';
import { availabilityIn, type WalAvailability } from '../wal/walAvailability.ts';
import { ancestryOf } from '../wal/walGaps.ts';
import { listArchive, timelineFiles, type WalListing } from '../wal/walListing.ts';
import { walObjectName } from '../wal/walObjectName.ts';
import type { BaseBackup } from './baseBackup.ts';

/** The archived WAL of one cluster, from one listing. */
export class ClusterWal {
  readonly archive: WalArchive;
  readonly listing: WalListing;
  readonly #partialEnds = new Map<string, Promise<Lsn | undefined>>();
  readonly #sizes: ReadonlyMap<string, number>;

  private constructor(archive: WalArchive, listing: WalListing) {
    this.archive = archive;
    this.listing = listing;
    this.#sizes = new Map(
      listing.objects.map(({ file, sizeBytes }) => [walObjectName(archive.systemIdentifier, file), sizeBytes]),
    );
  }

  static async load(ctx: Context, repository: Repository, cluster: SystemIdentifier): Promise<ClusterWal> {
    const archive = WalArchive.of(repository, cluster);
    return new ClusterWal(archive, await listArchive(ctx, archive));
  }

  /** Whether there is any WAL; without, recovery ends where the backup does. */
  get isEmpty(): boolean {
    return this.listing.timelines.length === 0;
  }

  /** Every timeline that a backup can be recovered along, ascending: its own, and those that branched off behind it. */
  timelinesOf(backup: BaseBackup): TimelineId[] {
    const known = [...this.listing.ancestries.keys()].filter((timeline) => this.reaches(backup, timeline));
    return [...new Set([...known, backup.timeline])].toSorted((one, other) => one - other);
  }

  ancestry(timeline: TimelineId): TimelineAncestry {
    return ancestryOf(this.listing, timeline);
  }

  /** Whether the end of a backup lies in the history of a timeline. */
  reaches(backup: BaseBackup, timeline: TimelineId): boolean {
    return timeline === backup.timeline || ancestryContains(this.ancestry(timeline), backup.timeline, backup.stopLsn);
  }

  /** How far the archive reaches from the end of a backup. */
  availability(ctx: Context, backup: BaseBackup, timeline: TimelineId): Promise<WalAvailability> {
    const wanted = { ancestry: this.ancestry(timeline), fromLsn: backup.stopLsn };
    return availabilityIn(this.listing, wanted, (of, number) => this.#partialEnd(ctx, of, number));
  }

  /**
   * The file that serves as a segment of a history: of the segment with a switch point the new timeline's, else the old
   * one's. `until`: what it says from there on is another history.
   */
  fileAt(ancestry: TimelineAncestry, number: bigint): { file: WalFileName; until: Lsn | undefined } | undefined {
    const segmentBytes = BigInt(this.listing.segmentBytes);
    const begin = number * segmentBytes;
    for (const span of ancestry.toReversed()) {
      const covers = span.begin < begin + segmentBytes && (span.end === undefined || span.end > begin);
      if (!covers) continue;
      const { segments, partials } = timelineFiles(this.listing, span.timeline);
      const segment = formatWalSegmentName({ timeline: span.timeline, number }, this.listing.segmentBytes);
      if (includes(segments, number)) return { file: { kind: 'segment', segment }, until: span.end };
      if (includes(partials, number)) return { file: { kind: 'partial', segment }, until: span.end };
    }
    return undefined;
  }

  /** Bytes that a file takes in the repository. */
  sizeOf(file: WalFileName): number {
    return this.#sizes.get(walObjectName(this.archive.systemIdentifier, file)) ?? 0;
  }

  #partialEnd(ctx: Context, timeline: TimelineId, number: bigint): Promise<Lsn | undefined> {
    const { segmentBytes } = this.listing;
    const segment = formatWalSegmentName({ timeline, number }, segmentBytes);
    const begin = number * BigInt(segmentBytes);
    const read = async (): Promise<Lsn | undefined> => {
      try {
        return toLsn(begin + BigInt((await this.archive.get(ctx, { kind: 'partial', segment })).header.contentBytes));
      } catch (error) {
        if (!isOperationError(error, 'object-missing')) throw error;
        return undefined; // finished since it was listed: the next listing has it
      }
    };
    const known = this.#partialEnds.get(segment) ?? read();
    this.#partialEnds.set(segment, known);
    return known;
  }
}

/** Membership in an ascending list, which may be long. */
function includes(numbers: readonly bigint[], wanted: bigint): boolean {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return numbers[low] === wanted;
}
