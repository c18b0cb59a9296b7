import { hostname } from 'node:os';
import type { Context } from '../../base/context.ts';
import type { DataSubset } from '../../repository/dataSubset.ts';
import { verdictOf, type Check, type Level, type Proof } from '../proof.ts';
import type { Rehearsal } from '../kinds/kindVerification.ts';
import type { CheckList } from './checkList.ts';

/** A user's assertion may be called like one of our checks. */
export type WantedCheck = Pick<Check, 'level' | 'name'>;

export interface ProofParts {
  readonly level: Level;
  readonly subset: DataSubset | undefined;
  readonly snapshot: Proof['snapshot'];
  readonly startedAt: Date;
  readonly checks: CheckList;
  /** The checks that this level consists of, in their order. */
  readonly wanted: readonly WantedCheck[];
  readonly rehearsal?: Rehearsal | undefined;
}

/** Puts a proof together; the verdict follows from the checks. */
export function composeProof(ctx: Context, parts: ProofParts): Proof {
  const checks = parts.checks.checks.toSorted((one, other) => one.level - other.level);
  const reached = new Set(checks.map(keyOf));
  const { phases = [], restored = false, recovery = null, tables = [] } = parts.rehearsal ?? {};
  const durationOf = (name: string): number => phases.find((phase) => phase.name === name)?.durationMs ?? 0;
  return {
    format: 1,
    kind: 'proof',
    verdict: verdictOf(checks),
    level: parts.level,
    partial: parts.subset !== undefined && parts.subset.kind !== 'all',
    snapshot: parts.snapshot,
    tester: hostname(),
    startedAt: parts.startedAt.toISOString(),
    finishedAt: ctx.clock.now().toISOString(),
    checks,
    notReached: parts.wanted.filter((check) => !reached.has(keyOf(check))).map(({ name }) => name),
    phases: [...phases],
    recoveryMs: restored ? durationOf('restore') + durationOf('replay') : null,
    recovery,
    tables,
  };
}

function keyOf({ level, name }: WantedCheck): string {
  return `${level} ${name}`;
}
