import { OperationError } from '../base/errors.ts';
import { evaluateRetention, type RetentionResult } from './retention.ts';
import type { RetentionPolicy } from './retentionPolicy.ts';
import { defaultGroupBy, groupSnapshots, type GroupCriterion, type GroupKey } from './snapshotGroups.ts';
import type { Snapshot } from './snapshots.ts';

export interface ForgetOptions {
  readonly policy: RetentionPolicy;
  /** Default: host and paths, as restic. */
  readonly groupBy?: readonly GroupCriterion[];
  readonly now: Date;
  /** Lets a group lose its last snapshot; default false. */
  readonly allowRemoveAll?: boolean;
}

export interface ForgetGroup extends RetentionResult<Snapshot> {
  readonly key: GroupKey;
}

export interface ForgetPlan {
  readonly groups: readonly ForgetGroup[];
  readonly keep: readonly Snapshot[];
  readonly remove: readonly Snapshot[];
}

/**
 * Applies a policy to each group of snapshots; changes nothing. Throws `usage` for an empty policy, and when a group
 * would be left without any snapshot.
 */
export function planForget(snapshots: readonly Snapshot[], options: ForgetOptions): ForgetPlan {
  const { policy, groupBy = defaultGroupBy, now, allowRemoveAll = false } = options;
  const groups = groupSnapshots(snapshots, groupBy).map((group) => ({
    key: group.key,
    ...evaluateRetention(group.snapshots, policy, now),
  }));
  const emptied = groups.find(({ decisions }) => decisions.every(({ keep }) => !keep));
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
