import { OperationError } from '../base/errors.ts';
import type { ForgetGroup, ForgetPlan } from '../snapshot/forgetPlan.ts';
import { defaultProtectedTags } from '../snapshot/retentionPolicy.ts';
import { defaultForgetGroupBy, groupSnapshots, type GroupCriterion } from '../snapshot/snapshotGroups.ts';
import { resolveIdPrefix } from '../snapshot/snapshotSelector.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';

/** Snapshots to be forgotten by name. */
export interface NamedSnapshots {
  /** Ids, or beginnings of ids. */
  readonly named: readonly string[];
  /** Forgets also what a tag protects, and the last snapshot of a group. */
  readonly force?: boolean;
  readonly groupBy?: readonly GroupCriterion[];
  readonly protectedTags?: readonly string[];
}

/**
 * The plan that forgets the named snapshots; changes nothing. Throws `not-found`, `ambiguous-id`, and `usage` for a
 * protected snapshot or the last ones of a group, unless forced.
 */
export function planForgetNamed(snapshots: readonly Snapshot[], selection: NamedSnapshots): ForgetPlan {
  const { named, force = false, groupBy = defaultForgetGroupBy, protectedTags = defaultProtectedTags } = selection;
  const ids = snapshots.map(({ id }) => id);
  const wanted = new Set(named.map((text) => resolveIdPrefix(ids, text)));
  const groups: ForgetGroup[] = groupSnapshots(snapshots, groupBy)
    .filter((group) => group.snapshots.some(({ id }) => wanted.has(id)))
    .map(({ key, snapshots: members }) => ({
      key,
      decisions: members.map((snapshot) => {
        const keep = !wanted.has(snapshot.id);
        return { snapshot, keep, reasons: keep ? ['not named'] : [] };
      }),
      rules: [],
    }));
  if (!force) refuse(groups, protectedTags);
  return {
    groups,
    keep: snapshots.filter(({ id }) => !wanted.has(id)),
    remove: snapshots.filter(({ id }) => wanted.has(id)),
  };
}

function refuse(groups: readonly ForgetGroup[], protectedTags: readonly string[]): void {
  for (const { key, decisions } of groups) {
    for (const { snapshot, keep } of decisions) {
      const tag = keep ? undefined : snapshot.tags.find((each) => protectedTags.includes(each));
      if (tag === undefined) continue;
      throw new OperationError('usage', `snapshot ${snapshot.id.slice(0, 8)} is protected by its tag ${tag}`, {
        hint: 'give --force to forget it all the same',
      });
    }
    if (decisions.some(({ keep }) => keep)) continue;
    throw new OperationError('usage', 'this would forget every snapshot of a group', {
      hint: 'give --force to forget them all the same',
      detail: { group: key },
    });
  }
}
