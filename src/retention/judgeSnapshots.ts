import { forEachConcurrently } from '../base/concurrency.ts';
import type { Context } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
import type { SnapshotJudgement } from '../snapshot/forgetPlan.ts';
import { groupSnapshots, sourceIdentity } from '../snapshot/snapshotGroups.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';
import { timestampFromDate } from '../snapshot/time.ts';
import { loadHolds, saveHoldEvent, type HoldEvent } from './holdStore.ts';
import { findSharpChange, type FoundChange, type SharpChange } from './sharpChange.ts';
import { loadRecordFacts, type RecordFacts } from './sourceRecord.ts';

/** How much is logged says nothing about what was lost: a quiet day is no shrink. */
const volatileKind = 'logs';
const loadConcurrency = 8;

/**
 * Finds those of the snapshots whose last proof failed, by id. Called while the lock is held: a proof that was being
 * made when the lock was asked for is there by then.
 */
export type FailedProofs = (ctx: Context, snapshots: readonly Snapshot[]) => Promise<ReadonlySet<string>>;

export interface JudgeOptions {
  /** All of the repository, newest first. */
  readonly snapshots: readonly Snapshot[];
  readonly failedProofs: FailedProofs | undefined;
}

/** Why nothing of a source is forgotten, and its WAL not expired. */
export interface HeldSource {
  readonly source: string;
  /** `change`: until somebody acknowledges it; `no-good-backup`: until there is one. */
  readonly cause: 'change' | 'no-good-backup';
  readonly reason: string;
  /** Found by this run, and not yet stored. */
  readonly event: HoldEvent | undefined;
}

export interface Judgement extends SnapshotJudgement {
  readonly heldSources: readonly HeldSource[];
}

/**
 * Finds out which snapshots of ours are not to be counted on, which is the last good one of each source, and which
 * sources changed so sharply that nothing of them may be forgotten. Changes nothing. Reads every record, and the trees
 * of the newest backups of each source.
 */
export async function judgeSnapshots(
  ctx: Context,
  repository: Repository,
  { snapshots, failedProofs }: JudgeOptions,
): Promise<Judgement> {
  const flaws = new Map<string, string>();
  const failed = (await failedProofs?.(ctx, snapshots)) ?? new Set<string>();
  for (const { id } of snapshots) if (failed.has(id)) flaws.set(id, 'its last proof failed');
  const lastGood = new Set<string>();
  const heldSources: HeldSource[] = [];
  const events = await loadHolds(ctx, repository);
  const ours = snapshots.filter((snapshot) => sourceIdentity(snapshot) !== undefined);
  for (const { key, snapshots: members } of groupSnapshots(ours, ['source'])) {
    const source = key.source ?? '';
    const event = events.get(source);
    const facts = await loadFacts(ctx, repository, members);
    const good = newestGood(members, facts, flaws);
    if (good !== undefined) lastGood.add(good);
    else heldSources.push({ source, cause: 'no-good-backup', reason: 'none of its backups is good', event: undefined });
    if (event?.event === 'held') heldSources.push({ source, cause: 'change', reason: event.reason, event: undefined });
    else if (key.kind !== volatileKind) {
      const after = members.filter(isAfter(event, snapshots)).filter(({ id }) => isReadable(facts.get(id)));
      const compared = after.filter(({ id }, at) => at === 0 || !flaws.has(id));
      const backups = compared.map((snapshot) => ({ snapshot, sizeBytes: facts.get(snapshot.id)?.sizeBytes }));
      const found = await findSharpChange(ctx, repository, backups);
      if (found !== undefined) {
        const hold = holdFor(ctx, { source, found, after: event });
        heldSources.push({ source, cause: 'change', reason: hold.reason, event: hold });
      }
    }
  }
  const held = new Map(heldSources.map(({ source, reason }) => [source, reason]));
  return { flaws, lastGood, held, heldSources };
}

/** Makes the holds that were found last. To be done before anything is deleted. */
export async function saveHolds(ctx: Context, repository: Repository, { heldSources }: Judgement): Promise<void> {
  for (const { event } of heldSources) if (event !== undefined) await saveHoldEvent(ctx, repository, event);
}

async function loadFacts(
  ctx: Context,
  repository: Repository,
  members: readonly Snapshot[],
): Promise<ReadonlyMap<string, RecordFacts>> {
  const facts = new Map<string, RecordFacts>();
  await forEachConcurrently(members, loadConcurrency, async (snapshot) => {
    ctx.signal.throwIfAborted();
    facts.set(snapshot.id, await loadRecordFacts(ctx, repository, snapshot));
  });
  return facts;
}

/**
 * Notes the flaws that records tell. Where no backup is without, the newest that is only partly flawed has to do: a
 * file that can never be read must not stop retention for ever.
 */
function newestGood(
  members: readonly Snapshot[],
  facts: ReadonlyMap<string, RecordFacts>,
  flaws: Map<string, string>,
): string | undefined {
  const notProvedBad = members.filter(({ id }) => !flaws.has(id));
  for (const { id } of notProvedBad) {
    const flaw = facts.get(id)?.flaw;
    if (flaw !== undefined) flaws.set(id, flaw.reason);
  }
  const good = notProvedBad.find(({ id }) => !flaws.has(id));
  return (good ?? notProvedBad.find(({ id }) => facts.get(id)?.flaw?.partial))?.id;
}

function isReadable(facts: RecordFacts | undefined): boolean {
  return facts?.flaw === undefined || facts.flaw.partial;
}

/** What was acknowledged is the usual from then on: older backups are not compared with any more. */
function isAfter(event: HoldEvent | undefined, snapshots: readonly Snapshot[]): (snapshot: Snapshot) => boolean {
  if (event === undefined) return () => true;
  const seen = snapshots.find(({ id }) => id === event.snapshot)?.time ?? timestampFromDate(new Date(event.time));
  return ({ time }) => time.ns >= seen.ns;
}

/** The newest event counts: whatever the clock says, a hold comes after the acknowledgement that it follows. */
function holdFor(
  ctx: Context,
  of: { readonly source: string; readonly found: FoundChange; readonly after: HoldEvent | undefined },
): HoldEvent & { readonly event: 'held' } {
  const { source, found, after } = of;
  const earliest = after === undefined ? 0 : Date.parse(after.time) + 1;
  const time = new Date(Math.max(ctx.clock.now().getTime(), earliest)).toISOString();
  const reason = describeChange(found.snapshot, found.change);
  return { format: 1, event: 'held', source, snapshot: found.snapshot.id, time, reason };
}

function describeChange({ id }: Snapshot, change: SharpChange): string {
  const backup = `backup ${id.slice(0, 8)}`;
  const percent = (part: number): string => `${Math.round(part * 100)} %`;
  return change.change === 'shrink'
    ? `${backup} has ${change.sizeBytes} bytes, where ${change.usualBytes} are usual`
    : `${percent(change.newShare)} of ${backup} is new, where ${percent(change.usualShare)} is usual`;
}
