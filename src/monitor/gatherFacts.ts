import { kindOf, type SourceKind } from '../backup/sourceSnapshot.ts';
import { isPhysical } from '../backup/loadPhysicalRecord.ts';
import { forEachConcurrently } from '../base/concurrency.ts';
import type { Context } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
import { loadBaseBackup, type BaseBackup } from '../restore/baseBackup.ts';
import { loadHolds, type HoldEvent } from '../retention/holdStore.ts';
import { loadRecordFacts, isUnreadable } from '../retention/sourceRecord.ts';
import { snapshotSource } from '../snapshot/repositorySource.ts';
import type { RetentionPolicy } from '../snapshot/retentionPolicy.ts';
import { groupSnapshots, sourceIdentity } from '../snapshot/snapshotGroups.ts';
import { loadSnapshots, type Snapshot } from '../snapshot/snapshots.ts';
import { failedSnapshots } from '../verify/failedProofs.ts';
import type { Proof } from '../verify/proof.ts';
import { loadProofs } from '../verify/proofStore.ts';
import type { BackupFacts, RepositoryFacts, SourceFacts } from './facts.ts';
import { proofFacts } from './proofFacts.ts';
import { serverState, type ServerAnswer } from './serverFacts.ts';
import { slotFacts } from './slotFacts.ts';
import { storageFacts } from './storageFacts.ts';
import { walFacts } from './walFacts.ts';

/** How many of the newest backups of a source are looked into, which takes their records: a quarter of daily ones. */
const lookedInto = 100;
/** How many say whether all is well: the good ones among them tell what size is usual. */
const judgedBy = 20;
/** Where there are more in these days, the newest of each of them too. */
const everyDayOf = 7;
const dayMs = 86_400_000;
/** Of how many the WAL is followed: enough for a window, whatever is backed up how often. */
const walBackups = 30;
const loadConcurrency = 8;

export interface GatherOptions {
  /** Only these sources; undefined for all. */
  readonly sources: ReadonlySet<string> | undefined;
  /** Look into at least this many of the newest backups of each source. */
  readonly newest?: number | undefined;
  /** Only what is judged: fewer backups, and not the size of the repository. Cheap enough for every minute. */
  readonly brief?: boolean;
  /** The retention policy of a source; undefined when it has none. */
  readonly policyOf: (source: string) => RetentionPolicy | undefined;
  /** Asks the server of a source; undefined when there is none to ask. */
  readonly askServer: (source: string) => Promise<ServerAnswer | undefined>;
}

/** What all sources are looked at with. */
interface Common extends GatherOptions {
  readonly repository: Repository;
  readonly proofs: readonly Proof[];
  readonly holds: ReadonlyMap<string, HoldEvent>;
}

/**
 * Looks at everything a repository holds: snapshots, proofs, WAL, holds, sizes. Takes no lock and changes nothing.
 * Throws the errors of the backend, and `repository-damaged` for a hold that cannot be read.
 */
export async function gatherFacts(
  ctx: Context,
  repository: Repository,
  options: GatherOptions,
): Promise<RepositoryFacts> {
  let unreadableSnapshots = 0;
  const onUnreadable = (id: string, error: unknown): void => {
    if (!isUnreadable(error)) throw error;
    ctx.log.warn({ snapshot: id, err: error }, 'a snapshot cannot be read');
    unreadableSnapshots++;
  };
  const snapshots = await loadSnapshots(ctx, snapshotSource(repository), { onUnreadable });
  const common = {
    ...options,
    repository,
    proofs: await readProofs(ctx, repository),
    holds: await loadHolds(ctx, repository),
  };
  const ours = snapshots.filter((snapshot) => sourceIdentity(snapshot) !== undefined && kindOf(snapshot) !== undefined);
  const sources: SourceFacts[] = [];
  for (const { key, snapshots: members } of groupSnapshots(ours, ['source'])) {
    const source = key.source ?? '';
    if (options.sources?.has(source) === false) continue;
    sources.push(await sourceFacts(ctx, common, { source, members }));
  }
  return {
    sources: sources.toSorted((one, other) => (one.source < other.source ? -1 : 1)),
    foreignSnapshots: snapshots.length - ours.length,
    unreadableSnapshots,
    storage: options.brief === true ? undefined : await storageFacts(ctx, repository.backend),
  };
}

async function readProofs(ctx: Context, repository: Repository): Promise<Proof[]> {
  const onUnreadable = (object: string, reason: string): void =>
    ctx.log.warn({ object, reason }, 'a proof cannot be read');
  return (await loadProofs(ctx, repository, { onUnreadable })).map(({ proof }) => proof);
}

async function sourceFacts(
  ctx: Context,
  common: Common,
  { source, members }: { readonly source: string; readonly members: readonly Snapshot[] },
): Promise<SourceFacts> {
  const { proofs, holds } = common;
  const kind = kindOf(members[0]!) as SourceKind;
  const failed = failedSnapshots(proofs, members);
  const looked = await lookInto(ctx, common.repository, worthALook(members, common, ctx.clock.now()));
  const backups = looked.map(({ facts }) =>
    failed.has(facts.id) ? { ...facts, flaw: { reason: 'its last proof failed', partial: false } } : facts,
  );
  const flawed = new Set([...failed, ...backups.flatMap(({ id, flaw }) => (flaw === undefined ? [] : [id]))]);
  const good = members.filter(({ id }) => !flawed.has(id));
  const hold = holds.get(source);
  const present = new Set(members.flatMap(({ id, original }) => [id, ...(original === undefined ? [] : [original])]));
  return {
    source,
    kind,
    backupCount: members.length,
    firstBackup: timeOf(members.at(-1)!),
    backups,
    ...proofFacts(proofs, { source, kind, present }),
    ...(await clusterFacts(ctx, common, { source, bases: basesOf(looked, backups) })),
    slots: slotFacts(good, common.policyOf(source), ctx.clock.now()),
    held: hold?.event === 'held' ? hold.reason : undefined,
  };
}

/** Of all of a source, newest first. */
function worthALook(
  members: readonly Snapshot[],
  { newest = 0, brief }: Pick<GatherOptions, 'newest' | 'brief'>,
  now: Date,
): Snapshot[] {
  if (brief === true) return members.slice(0, judgedBy);
  const count = Math.max(lookedInto, newest);
  const days = new Set<string>();
  return members.filter((snapshot, index) => {
    const time = timeOf(snapshot);
    const day = time.toDateString(); // of this machine's calendar, as a chart shows it
    const isNewestOfDay = !days.has(day) && now.getTime() - time.getTime() <= (everyDayOf + 1) * dayMs;
    days.add(day);
    return index < count || isNewestOfDay;
  });
}

/** A backup, and as recovery sees it when it is one of a cluster. */
interface Looked {
  readonly facts: BackupFacts;
  readonly base: BaseBackup | undefined;
}

/** In the order given. What cannot be read is looked for once more: a prune may have moved it meanwhile. */
async function lookInto(ctx: Context, repository: Repository, snapshots: readonly Snapshot[]): Promise<Looked[]> {
  const looked = await readAll(ctx, repository, snapshots);
  if (!looked.some(({ facts: { flaw } }) => flaw?.partial === false)) return looked;
  repository.forgetIndex();
  return readAll(ctx, repository, snapshots);
}

async function readAll(ctx: Context, repository: Repository, snapshots: readonly Snapshot[]): Promise<Looked[]> {
  const looked = new Map<string, Looked>();
  await forEachConcurrently(snapshots, loadConcurrency, async (snapshot) => {
    ctx.signal.throwIfAborted();
    looked.set(snapshot.id, await readBackup(ctx, repository, snapshot));
  });
  return snapshots.flatMap(({ id }) => looked.get(id) ?? []);
}

async function readBackup(ctx: Context, repository: Repository, snapshot: Snapshot): Promise<Looked> {
  const { flaw, sizeBytes } = await loadRecordFacts(ctx, repository, snapshot);
  const facts = { id: snapshot.id, time: timeOf(snapshot), sizeBytes, flaw };
  if (flaw?.partial === false || !isPhysical(snapshot)) return { facts, base: undefined };
  try {
    const base = await loadBaseBackup(ctx, repository, snapshot);
    return { facts: { ...facts, time: base.stopTime }, base };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    const reason = `its record cannot be read: ${error.message}`; // by a newer version
    return { facts: { ...facts, flaw: { reason, partial: false } }, base: undefined };
  }
}

/** Base backups to recover from, newest first: the good ones; where none is, those that only lack something. */
function basesOf(looked: readonly Looked[], backups: readonly BackupFacts[]): BaseBackup[] {
  const usable = backups.some(({ flaw }) => flaw === undefined)
    ? backups.map(({ flaw }) => flaw === undefined)
    : backups.map(({ flaw }) => flaw?.partial === true);
  return looked.flatMap(({ base }, index) => (base !== undefined && usable[index] === true ? [base] : []));
}

async function clusterFacts(
  ctx: Context,
  { repository, askServer }: Common,
  { source, bases }: { readonly source: string; readonly bases: readonly BaseBackup[] },
): Promise<Pick<SourceFacts, 'server' | 'wal'>> {
  const [newest] = bases;
  if (newest === undefined) return { server: undefined, wal: undefined };
  const server = await askServer(source);
  const backups = bases.slice(0, walBackups).toReversed(); // oldest first: what was made later ends later
  return { server: serverState(server, newest), wal: await walFacts(ctx, repository, { backups, server }) };
}

function timeOf({ time }: Pick<Snapshot, 'time'>): Date {
  return new Date(Number(time.ns / 1_000_000n));
}
