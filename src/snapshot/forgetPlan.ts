import { OperationError } from '../base/errors.ts';
import { evaluateRetention, type RetentionDecision, type RetentionResult } from './retention.ts';
import type { RetentionPolicy } from './retentionPolicy.ts';
import {
  defaultForgetGroupBy,
  groupSnapshots,
  sourceIdentity,
  type GroupCriterion,
  type GroupKey,
} from './snapshotGroups.ts';
import type { Snapshot } from './snapshots.ts';

/** What is known of snapshots beyond their documents. */
export interface SnapshotJudgement {
  /** Snapshots from which one must not count on recovering, by id, and why. They fill no slot. */
  readonly flaws: ReadonlyMap<string, string>;
  /** The newest good snapshot of each source: never removed by a policy. */
  readonly lastGood: ReadonlySet<string>;
  /** Sources of which nothing is forgotten for now, and why. */
  readonly held: ReadonlyMap<string, string>;
}

export interface ForgetOptions {
  /** For everything that has no policy of its own; undefined keeps all of that. */
  readonly policy: RetentionPolicy | undefined;
  /** By the name of the source. */
  readonly sourcePolicies?: ReadonlyMap<string, RetentionPolicy>;
  /** Default: by source; snapshots of other clients by host and paths, as restic. */
  readonly groupBy?: readonly GroupCriterion[];
  readonly now: Date;
  /** Lets a group lose its last snapshot; default false. */
  readonly allowRemoveAll?: boolean;
  readonly judgement?: SnapshotJudgement;
}

export interface ForgetDecision extends RetentionDecision<Snapshot> {
  /** Why it fills no slot. */
  readonly flaw?: string | undefined;
}

export interface ForgetGroup extends RetentionResult<Snapshot> {
  readonly key: GroupKey;
  readonly decisions: readonly ForgetDecision[];
}

export interface ForgetPlan {
  readonly groups: readonly ForgetGroup[];
  readonly keep: readonly Snapshot[];
  readonly remove: readonly Snapshot[];
}

const nothingKnown: SnapshotJudgement = { flaws: new Map(), lastGood: new Set(), held: new Map() };

/**
 * Applies its policy to each group of snapshots; changes nothing. Throws `usage` for an empty policy, when a policy
 * keeps nothing of a group (it may be mistyped, also where the last good snapshot stays), and when snapshots of a
 * source with a policy of its own would be counted with others.
 */
export function planForget(snapshots: readonly Snapshot[], options: ForgetOptions): ForgetPlan {
  const { groupBy = defaultForgetGroupBy, allowRemoveAll = false } = options;
  const groups = groupSnapshots(snapshots, groupBy).map((group) => ({
    key: group.key,
    ...evaluateGroup(group.snapshots, options),
  }));
  const emptied = groups.find(({ keepsNothing }) => keepsNothing);
  if (emptied !== undefined && !allowRemoveAll) {
    throw new OperationError('usage', 'the policy would forget every snapshot of a group', {
      hint: 'does the policy name the right tags?',
      detail: { group: emptied.key },
    });
  }
  const decisions = groups.flatMap((group) => group.decisions);
  return {
    groups,
    keep: decisions.filter(({ keep }) => keep).map(({ snapshot }) => snapshot),
    remove: decisions.filter(({ keep }) => !keep).map(({ snapshot }) => snapshot),
  };
}

function evaluateGroup(
  snapshots: readonly Snapshot[],
  options: ForgetOptions,
): Omit<ForgetGroup, 'key'> & { readonly keepsNothing: boolean } {
  const { sourcePolicies, now, judgement = nothingKnown } = options;
  const source = sourceNameOf(snapshots);
  if (source === undefined) refuseOwnPolicies(snapshots, sourcePolicies);
  const policy = (source === undefined ? undefined : sourcePolicies?.get(source)) ?? options.policy;
  const { decisions, rules } =
    policy === undefined
      ? { decisions: snapshots.map((snapshot) => ({ snapshot, keep: true, reasons: ['no policy'] })), rules: [] }
      : evaluateGoodAndAll(snapshots, { policy, now, flaws: judgement.flaws });
  const extended = decisions.map((decision: ForgetDecision) => {
    const { snapshot } = decision;
    const reasons = [
      ...decision.reasons,
      ...(judgement.lastGood.has(snapshot.id) ? ['last good backup of the source'] : []),
      ...(judgement.held.has(sourceIdentity(snapshot)?.source ?? '') ? ['retention is held'] : []),
    ];
    return { ...decision, keep: reasons.length > 0, reasons, flaw: judgement.flaws.get(snapshot.id) };
  });
  return { decisions: extended, rules, keepsNothing: decisions.every(({ keep }) => !keep) };
}

/**
 * A flawed snapshot stays as long as it would without the flaw, but the slot that it fills is filled by a good one too.
 */
function evaluateGoodAndAll(
  snapshots: readonly Snapshot[],
  { policy, now, flaws }: { policy: RetentionPolicy; now: Date; flaws: ReadonlyMap<string, string> },
): RetentionResult<Snapshot> {
  const all = evaluateRetention(snapshots, policy, now);
  const sound = snapshots.filter(({ id }) => !flaws.has(id));
  if (sound.length === snapshots.length || sound.length === 0) return all;
  const good = evaluateRetention(sound, policy, now);
  const reasonsOfGood = new Map(good.decisions.map(({ snapshot, reasons }) => [snapshot.id, reasons]));
  const decisions = all.decisions.map((decision) => {
    const own = reasonsOfGood.get(decision.snapshot.id) ?? [];
    const reasons = own.length > 0 ? own : decision.reasons;
    return { ...decision, keep: reasons.length > 0, reasons };
  });
  return { decisions, rules: good.rules };
}

/** The source of a group that was formed by other criteria too; undefined when it has several, or none. */
function sourceNameOf(snapshots: readonly Snapshot[]): string | undefined {
  const names = new Set(snapshots.map((snapshot) => sourceIdentity(snapshot)?.source));
  return names.size === 1 ? [...names][0] : undefined;
}

/** Rules that are not applied would go unnoticed until what they keep is missing. */
function refuseOwnPolicies(
  snapshots: readonly Snapshot[],
  sourcePolicies: ReadonlyMap<string, RetentionPolicy> | undefined,
): void {
  const sources = snapshots.map((snapshot) => sourceIdentity(snapshot)?.source);
  const own = sources.find((source) => source !== undefined && sourcePolicies?.has(source));
  if (own === undefined) return;
  throw new OperationError('usage', `source "${own}" has rules of its own, and is grouped with other snapshots`, {
    hint: 'group by source as well, such as --group-by source,host; or give rules for all on the command line',
    detail: { source: own },
  });
}
