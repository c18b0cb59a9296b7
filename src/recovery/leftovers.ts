import { killByEnvironment } from '../base/processes.ts';

const runMark = 'UNDERSTUDY_RUN';
const stepMark = 'UNDERSTUDY_STEP';

/** Variables that tell the processes of a step from all others, also when they have left their parent. */
export function processMarks({ run, step }: { readonly run: string; readonly step: string }): Record<string, string> {
  return { [runMark]: run, [stepMark]: step };
}

/**
 * Ends what steps of a run left running when our process was killed: a step that is repeated must not meet its former
 * self. `steps` names those steps; what others have started, a server perhaps, goes on. Default: all of them, for a
 * drill. Returns the ended process ids. Only Linux tells; elsewhere nothing is found.
 */
export function endLeftovers(run: string, steps?: readonly string[]): number[] {
  return killByEnvironment((environment) => {
    if (!environment.includes(`${runMark}=${run}`)) return false;
    return steps === undefined || steps.some((step) => environment.includes(`${stepMark}=${step}`));
  });
}
