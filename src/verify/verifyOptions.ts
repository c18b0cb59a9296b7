import type { Progress } from '../base/progress.ts';
import type { DataSubset } from '../repository/dataSubset.ts';
import type { LockWait } from '../repository/lock.ts';
import type { Assertion } from './application/assertion.ts';
import type { Level } from './proof.ts';
import type { WantedTarget } from './recoveryRoute.ts';
import type { SandboxOptions } from './sandbox/sandbox.ts';

export type { Assertion };

export interface VerifySnapshotOptions {
  /** An id, the beginning of one, or `latest` (before the target, if any); of this source, default of any. */
  readonly selector: { readonly text: string; readonly source?: string | undefined };
  /** Everything up to this level is checked; default 5 where the source has assertions, else 4. */
  readonly level?: Level | undefined;
  /** What level 5 asks of the restored source of that name. */
  readonly assertionsOf?: (source: string) => readonly Assertion[];
  /** How far level 4 recovers; default as far as the archived WAL reaches, without any to the end of the backup. */
  readonly target?: WantedTarget | undefined;
  /** Which files are read below level 4, and for which share of the indexes every row is looked up; default all. */
  readonly subset?: DataSubset | undefined;
  readonly sandbox?: Omit<SandboxOptions, 'major'>;
  /** Leave what was restored where it is. */
  readonly keepSandbox?: boolean;
  readonly threads?: number | undefined;
  readonly lock?: LockWait;
  readonly progress: Progress;
}
