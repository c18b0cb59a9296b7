import type { Context } from '../../base/context.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Snapshot } from '../../snapshot/snapshots.ts';
import type { Assertion } from '../application/assertion.ts';
import type { CheckList } from '../proof/checkList.ts';
import type { Level, Phase, Proof } from '../proof.ts';
import type { VerifySnapshotOptions } from '../verifyOptions.ts';

/** A snapshot whose structure was checked already, and how far to go with it. */
export interface SnapshotUnderTest {
  readonly repository: Repository;
  readonly snapshot: Snapshot;
  /** Where every check is run, and kept. */
  readonly checks: CheckList;
  readonly level: Level;
  /** Of its source; not empty at level 5. */
  readonly assertions: readonly Assertion[];
  readonly options: VerifySnapshotOptions;
}

/** What restoring it showed besides the checks. */
export interface Rehearsal extends Pick<Proof, 'recovery' | 'tables'> {
  readonly phases: readonly Phase[];
  /** All of it was brought back: the phases before the checks are a recovery time. */
  readonly restored: boolean;
  /** Where it was left. */
  readonly kept?: string;
}

/** How backups of one kind of source are verified. */
export interface KindVerification {
  /** The checks that each level adds, in their order; of level 1 those besides `structure`. Level 5: the assertions. */
  readonly checkNames: Readonly<Record<Exclude<Level, 5>, readonly string[]>>;
  /**
   * Runs the checks up to the wanted level, each through `subject.checks`; stops where going on would prove nothing.
   * Undefined where nothing was restored.
   */
  readonly verify: (ctx: Context, subject: SnapshotUnderTest) => Promise<Rehearsal | undefined>;
}
