import type { Evidence } from '../evidenceSchema.ts';
import type { Plan } from '../planDocument.ts';
import { stepState, type RunState } from '../runState.ts';
import { restoreKinds, succeeded } from './steps.ts';

type Moments = Evidence['timeline']['moments'];

/** The moments by which a recovery is measured. */
export function momentsOf(plan: Plan, run: RunState): Moments {
  const begins = endsOf(plan, run, { kinds: restoreKinds, end: ({ begunAt }) => begunAt });
  const data = endsOf(plan, run, {
    kinds: restoreKinds,
    end: ({ endedAt, facts }) => textOf(facts['restoredAt']) ?? endedAt,
  });
  const restored = newest(endsOf(plan, run, { kinds: restoreKinds, end: ({ endedAt }) => endedAt }));
  const later = (kinds: readonly string[]): string | null => {
    if (!allSucceeded(plan, run, kinds)) return null;
    const at = newest(endsOf(plan, run, { kinds, end: ({ endedAt }) => endedAt }));
    return at !== null && (restored === null || at >= restored) ? at : null;
  };
  return {
    declaredAt: run.begun.circumstances?.declaredAt ?? run.begun.at,
    teamAssembledAt: null,
    backupLocatedAt: null,
    restoreStartedAt: begins.toSorted()[0] ?? null,
    dataRestoredAt: newest(data),
    walReplayedAt: newest(endsOf(plan, run, { kinds: ['restore-cluster'], end: ({ endedAt }) => endedAt })),
    checksPassedAt: later(['sql']),
    applicationHealthyAt: later(['http']),
    trafficBackAt: null,
  };
}

/** One check that failed or was left out, and the checks have not passed. */
function allSucceeded({ steps }: Plan, run: RunState, kinds: readonly string[]): boolean {
  return steps
    .filter(({ kind, when, always }) => kinds.includes(kind) && when && !always)
    .every(({ id }) => stepState(run, id).status === 'succeeded');
}

/** Seconds between two moments; null when one of them is not known. */
export function secondsBetween(from: string | null, to: string | null): number | null {
  return from === null || to === null ? null : Math.max(0, Date.parse(to) - Date.parse(from)) / 1000;
}

interface Wanted {
  readonly kinds: readonly string[];
  readonly end: (state: ReturnType<typeof stepState>) => string | undefined;
}

function endsOf(plan: Plan, run: RunState, { kinds, end }: Wanted): string[] {
  return succeeded(plan, run, kinds).flatMap(({ id }) => end(stepState(run, id)) ?? []);
}

function newest(times: readonly string[]): string | null {
  return times.toSorted().at(-1) ?? null;
}

function textOf(fact: unknown): string | undefined {
  return typeof fact === 'string' ? fact : undefined;
}
