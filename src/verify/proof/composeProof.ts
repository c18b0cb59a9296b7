import { hostname } from 'node:os';
import type { Context } from '../../base/context.ts';
import { verdictOf, type Level, type Proof } from '../proof.ts';
import type { Rehearsal } from '../kinds/kindVerification.ts';
import type { CheckList } from './checkList.ts';

export interface ProofParts {
  readonly level: Level;
  readonly snapshot: Proof['snapshot'];
  readonly startedAt: Date;
  readonly checks: CheckList;
  /** Names of the checks that this level consists of, in their order. */
  readonly wanted: readonly string[];
  readonly rehearsal?: Rehearsal | undefined;
}

/** Puts a proof together; the verdict follows from the checks. */
export function composeProof(ctx: Context, parts: ProofParts): Proof {
  const { checks } = parts.checks;
  const reached = new Set(checks.map(({ name }) => name));
  const { phases = [], restored = false, recovery = null, tables = [] } = parts.rehearsal ?? {};
  const durationOf = (name: string): number => phases.find((phase) => phase.name === name)?.durationMs ?? 0;
  return {
    format: 1,
    kind: 'proof',
    verdict: verdictOf(checks),
    level: parts.level,
    snapshot: parts.snapshot,
    tester: hostname(),
    startedAt: parts.startedAt.toISOString(),
    finishedAt: ctx.clock.now().toISOString(),
    checks: [...checks],
    notReached: parts.wanted.filter((name) => !reached.has(name)),
    phases: [...phases],
    recoveryMs: restored ? durationOf('restore') + durationOf('replay') : null,
    recovery,
    tables,
  };
}
