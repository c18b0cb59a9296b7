import { errorMessage } from '../../base/errors.ts';
import type { StepEnvironment } from '../stepKind.ts';

/** For `withReadLock`: the output of the step tells that the repository is read without a lock. */
export function tellUnlocked(step: Pick<StepEnvironment, 'output'>): (reason: unknown) => void {
  return (reason) => step.output(`the repository is read without a lock, do not prune it now: ${errorMessage(reason)}`);
}
