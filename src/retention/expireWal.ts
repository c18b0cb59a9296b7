import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { parseSystemIdentifier, type SystemIdentifier } from '../postgres/systemIdentifier.ts';
import type { TimelineId } from '../postgres/timeline.ts';
import { formatWalSegmentName } from '../postgres/walSegment.ts';
import type { RepositoryLock } from '../repository/lock.ts';
import type { Repository } from '../repository/repository.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';
import { WalArchive } from '../wal/walArchive.ts';
import { archivedClusters } from '../wal/walClusters.ts';
import { applyWalExpiry, planWalExpiry, type WalExpiryPlan, type WalRetention } from '../wal/walExpiry.ts';
import { endLease, leaseLifeMs, loadLeases, type WalLease } from '../wal/walLease.ts';
import { listArchive, newestSegment, type TimelineFiles, type WalListing } from '../wal/walListing.ts';
import { loadKeptClusters, type KeptCluster } from './keptBackups.ts';

/** How far back one wants to reach every moment; undefined: from the oldest kept backup on. */
export interface WalPolicy {
  readonly windowMs: number | undefined;
  /** By the name of the source, instead. */
  readonly sourceWindowsMs?: ReadonlyMap<string, number>;
}

/** What happens to the WAL of one cluster. */
export interface ClusterWalExpiry {
  readonly systemIdentifier: SystemIdentifier;
  readonly sources: readonly string[];
  /** Undefined: all of it is kept, for this reason. */
  readonly plan: WalExpiryPlan | undefined;
  readonly keptBecause: string | undefined;
  /** True when that is because a base backup, or the lease of a recovery, cannot be read. */
  readonly undecided: boolean;
  /** Of recoveries under way: what they may ask for is kept. */
  readonly leases: readonly WalLease[];
  /** Leases that are over, to be removed. */
  readonly overdueLeases: readonly string[];
}

export interface WalExpiryRequest {
  readonly policy: WalPolicy;
  /** Those that stay. */
  readonly snapshots: readonly Snapshot[];
  /** Ids of snapshots that must not be counted on. */
  readonly flawed: ReadonlySet<string>;
  /** Sources of which nothing may be removed, and why. */
  readonly held: ReadonlyMap<string, string>;
}

/**
 * Decides which WAL no kept base backup needs any more, cluster by cluster; changes nothing. WAL of a cluster without
 * any base backup is kept, and all WAL as long as there is a base backup that cannot be read.
 */
export async function planClusterExpiry(
  ctx: Context,
  repository: Repository,
  { policy, snapshots, flawed, held }: WalExpiryRequest,
): Promise<ClusterWalExpiry[]> {
  const kept = await loadKeptClusters(ctx, repository, { snapshots, flawed });
  const clusters = 'clusters' in kept ? kept.clusters : [];
  const known = new Set(clusters.map(({ systemIdentifier }) => String(systemIdentifier)));
  const anyArchive = WalArchive.of(repository, 0n as SystemIdentifier);
  const others = (await archivedClusters(ctx, anyArchive)).filter((id) => !known.has(id));
  const expiries = others.map((id): ClusterWalExpiry => ({
    systemIdentifier: parseSystemIdentifier(id),
    sources: [],
    plan: undefined,
    keptBecause: 'clusters' in kept ? 'there is no base backup of this cluster' : kept.unreadable,
    undecided: !('clusters' in kept),
    leases: [],
    overdueLeases: [],
  }));
  for (const cluster of clusters) {
    const archive = WalArchive.of(repository, cluster.systemIdentifier);
    const listing = await listArchive(ctx, archive);
    if (listing.objects.length > 0) expiries.push(await planCluster(ctx, archive, { cluster, listing, policy, held }));
  }
  return expiries;
}

/**
 * Removes what was planned, as the last step of a prune: whatever is cut short before leaves WAL that nobody needs, and
 * never a backup without its WAL. WAL that arrives meanwhile is in no plan.
 */
export async function expireWal(
  ctx: Context,
  repository: Repository,
  run: { readonly expiries: readonly ClusterWalExpiry[]; readonly lock: RepositoryLock; readonly progress: Progress },
): Promise<void> {
  const { expiries, lock, progress } = run;
  const files = expiries.reduce((sum, { plan }) => sum + (plan?.remove.length ?? 0), 0);
  if (files > 0) progress.phase('removing WAL that no backup needs', { items: files });
  for (const { systemIdentifier, plan, overdueLeases } of expiries) {
    if (plan === undefined || plan.remove.length + overdueLeases.length === 0) continue;
    await lock.confirm();
    const archive = WalArchive.of(repository, systemIdentifier);
    for (const id of overdueLeases) await endLease(ctx, archive, id);
    const onRemoved = ({ sizeBytes }: { readonly sizeBytes: number }) =>
      progress.advance({ bytes: sizeBytes, items: 1 });
    await applyWalExpiry(ctx, archive, { plan, onRemoved });
  }
}

interface ClusterToPlan {
  readonly cluster: KeptCluster;
  readonly listing: WalListing;
  readonly policy: WalPolicy;
}

async function planCluster(
  ctx: Context,
  archive: WalArchive,
  { held, ...of }: ClusterToPlan & Pick<WalExpiryRequest, 'held'>,
): Promise<ClusterWalExpiry> {
  const sources = [...of.cluster.sources].sort();
  const { leases, unreadable } = await loadLeases(ctx, archive);
  const isBounded = longestWindowMs(of.cluster, of.policy) < Number.POSITIVE_INFINITY;
  const present = isBounded || leases.length > 0 ? await presentOf(ctx, archive, of) : undefined;
  const isOver = ({ renewed }: WalLease): boolean => present !== undefined && present - renewed.getTime() > leaseLifeMs;
  const holding = leases.filter((lease) => !isOver(lease));
  const reason = sources.map((source) => held.get(source)).find((one) => one !== undefined);
  const keptBecause =
    unreadable[0] !== undefined
      ? `the lease of a recovery cannot be read (delete ${unreadable[0]} when none is under way)`
      : reason === undefined
        ? undefined
        : `retention is held: ${reason}`;
  return {
    systemIdentifier: of.cluster.systemIdentifier,
    sources,
    plan: keptBecause === undefined ? await planOne(ctx, archive, { ...of, present, leases: holding }) : undefined,
    keptBecause,
    undecided: unreadable.length > 0,
    leases: holding,
    overdueLeases: leases.filter(isOver).map(({ id }) => id),
  };
}

async function planOne(
  ctx: Context,
  archive: WalArchive,
  of: ClusterToPlan & { readonly present: number | undefined; readonly leases: readonly WalLease[] },
): Promise<WalExpiryPlan> {
  const { cluster, listing, policy, present, leases } = of;
  const windowMs = longestWindowMs(cluster, policy);
  const isBounded = windowMs < Number.POSITIVE_INFINITY && present !== undefined;
  const retention: WalRetention = isBounded ? { keep: 'since', time: new Date(present - windowMs) } : { keep: 'all' };
  const endedTimelines = new Set<TimelineId>();
  if (retention.keep === 'since') {
    for (const timeline of await endedBefore(ctx, archive, { listing, time: retention.time }))
      endedTimelines.add(timeline);
  }
  return planWalExpiry(listing, { backups: cluster.backups, retention, endedTimelines, leases });
}

/** Of several sources that share a cluster the longest window holds. */
function longestWindowMs({ sources }: KeptCluster, { windowMs, sourceWindowsMs }: WalPolicy): number {
  const windows = [...sources].map((source) => sourceWindowsMs?.get(source) ?? windowMs ?? Number.POSITIVE_INFINITY);
  return Math.max(...windows);
}

/**
 * The end of a window in milliseconds: now, or the newest that is there of the cluster when that is older. A clock that
 * is far ahead must not take everything for out of date. Undefined when nothing tells its time.
 */
async function presentOf(
  ctx: Context,
  archive: WalArchive,
  { cluster, listing }: { readonly cluster: KeptCluster; readonly listing: WalListing },
): Promise<number | undefined> {
  const times = cluster.backups.flatMap(({ end }) => end?.time.getTime() ?? []);
  const newest = listing.timelines.at(-1);
  const storedAt = newest === undefined ? undefined : await storedTime(ctx, archive, { files: newest, listing });
  if (storedAt !== undefined) times.push(storedAt.getTime());
  return times.length === 0 ? undefined : Math.min(ctx.clock.now().getTime(), Math.max(...times));
}

/** Timelines left before a moment: their last WAL was stored before it. */
async function endedBefore(
  ctx: Context,
  archive: WalArchive,
  { listing, time }: { readonly listing: WalListing; readonly time: Date },
): Promise<TimelineId[]> {
  const ended: TimelineId[] = [];
  for (const files of listing.timelines.slice(0, -1)) {
    const storedAt = await storedTime(ctx, archive, { files, listing });
    if (storedAt !== undefined && storedAt <= time) ended.push(files.timeline);
  }
  return ended;
}

/**
 * When the newest segment of a timeline was stored; undefined for one that was finished since it was listed, or is
 * damaged: more is kept then.
 */
async function storedTime(
  ctx: Context,
  archive: WalArchive,
  { files, listing }: { readonly files: TimelineFiles; readonly listing: WalListing },
): Promise<Date | undefined> {
  const number = newestSegment(files)!;
  const segment = formatWalSegmentName({ timeline: files.timeline, number }, listing.segmentBytes);
  const kind = files.segments.at(-1) === number ? 'segment' : 'partial';
  try {
    return (await archive.get(ctx, { kind, segment })).header.storedAt;
  } catch (error) {
    if (!isOperationError(error, 'object-missing', 'repository-damaged', 'wal-invalid')) throw error;
    return undefined;
  }
}
