import type { Context } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
import type { SnapshotJudgement } from '../snapshot/forgetPlan.ts';
import { groupSnapshots, sourceIdentity } from '../snapshot/snapshotGroups.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';
import { timestampFromDate } from '../snapshot/time.ts';
import { loadHolds, saveHoldEvent, type HoldEvent } from './holdStore.ts';
import { findSharpChange, type SharpChange } from './sharpChange.ts';
import { recordedFlaw } from './sourceRecord.ts';

/** How much is logged says nothing about what was lost: a quiet day is no shrink. */
const volatileKind = 'logs';

export interface JudgeOptions {
  /** All of the repository, newest first. */
  readonly snapshots: readonly Snapshot[];
  /** Ids of snapshots whose last proof failed. */
  readonly failedProofs: ReadonlySet<string>;
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
 * sources changed so sharply that nothing of them may be forgotten. Changes nothing. Reads records from the newest
 * backwards until one is good, and the trees of the two newest of each source.
 */
export async function judgeSnapshots(
  ctx: Context,
  repository: Repository,
  { snapshots, failedProofs }: JudgeOptions,
): Promise<Judgement> {
  const flaws = new Map<string, string>();
  for (const { id } of snapshots) if (failedProofs.has(id)) flaws.set(id, 'its last proof failed');
  const lastGood = new Set<string>();
  const heldSources: HeldSource[] = [];
  const events = await loadHolds(ctx, repository);
  const ours = snapshots.filter((snapshot) => sourceIdentity(snapshot) !== undefined);
  for (const { key, snapshots: members } of groupSnapshots(ours, ['source'])) {
    const source = key.source ?? '';
    const event = events.get(source);
    const good = await newestGood(ctx, repository, { members, flaws });
    if (good !== undefined) lastGood.add(good);
    else heldSources.push({ source, cause: 'no-good-backup', reason: 'none of its backups is good', event: undefined });
    if (event?.event === 'held') heldSources.push({ source, cause: 'change', reason: event.reason, event: undefined });
    else if (key.kind !== volatileKind) {
      const compared = members.filter(isAfter(event, snapshots)).filter((one, at) => at === 0 || !flaws.has(one.id));
      const change = await findSharpChange(ctx, repository, compared);
      if (change !== undefined) heldSources.push(holdFor(ctx, { source, snapshot: compared[0]!, change }));
    }
  }
  const held = new Map(heldSources.map(({ source, reason }) => [source, reason]));
  return { flaws, lastGood, held, heldSources };
}

/** Makes the holds that were found last. To be done before anything is deleted. */
export async function saveHolds(ctx: Context, repository: Repository, { heldSources }: Judgement): Promise<void> {
  for (const { event } of heldSources) if (event !== undefined) await saveHoldEvent(ctx, repository, event);
}

/**
 * Notes the flaws of those that are passed over. Where none is without, the newest that is only partly flawed has to
 * do: a file that can never be read must not stop retention for ever.
 */
async function newestGood(
  ctx: Context,
  repository: Repository,
  { members, flaws }: { readonly members: readonly Snapshot[]; readonly flaws: Map<string, string> },
): Promise<string | undefined> {
  let partial: string | undefined;
  for (const snapshot of members) {
    if (flaws.has(snapshot.id)) continue;
    const flaw = await recordedFlaw(ctx, repository, snapshot);
    if (flaw === undefined) return snapshot.id;
    flaws.set(snapshot.id, flaw.reason);
    if (flaw.partial) partial ??= snapshot.id;
  }
  return partial;
}

/** What was acknowledged is the usual from then on: older backups are not compared with any more. */
function isAfter(event: HoldEvent | undefined, snapshots: readonly Snapshot[]): (snapshot: Snapshot) => boolean {
  if (event === undefined) return () => true;
  const seen = snapshots.find(({ id }) => id === event.snapshot)?.time ?? timestampFromDate(new Date(event.time));
  return ({ time }) => time.ns >= seen.ns;
}

function holdFor(
  ctx: Context,
  found: { readonly source: string; readonly snapshot: Snapshot; readonly change: SharpChange },
): HeldSource {
  const { source, snapshot } = found;
  const reason = describeChange(snapshot, found.change);
  const time = ctx.clock.now().toISOString();
  return {
    source,
    cause: 'change',
    reason,
    event: { format: 1, event: 'held', source, snapshot: snapshot.id, time, reason },
  };
}

function describeChange({ id }: Snapshot, change: SharpChange): string {
  const backup = `backup ${id.slice(0, 8)}`;
  const percent = (part: number): string => `${Math.round(part * 100)} %`;
  return change.change === 'shrink'
    ? `${backup} has ${change.sizeBytes} bytes, where ${change.usualBytes} are usual`
    : `${percent(change.newShare)} of ${backup} is new, where ${percent(change.usualShare)} is usual`;
}
