import { expect, test } from 'vitest';
import { createContext } from '../../base/context.ts';
import { newRepository } from '../../testing/repositories.ts';
import type { Proof } from '../../verify/proof.ts';
import { saveProof } from '../../verify/proofStore.ts';
import { loadFailedProofs } from './failedProofs.ts';

const ctx = createContext();

test('a proof that failed counts until one at its level or above passes; an inconclusive one tells nothing', async () => {
  const repository = await newRepository();
  const proofs: readonly [id: string, ...(readonly [Proof['level'], Proof['verdict']])[]][] = [
    ['good', [4, 'passed']],
    ['bad', [2, 'passed'], [4, 'failed']],
    ['mended', [3, 'failed'], [4, 'passed']],
    ['looked-at-less', [4, 'failed'], [2, 'passed'], [4, 'inconclusive']],
    ['fell-ill', [4, 'passed'], [2, 'failed']],
  ];
  for (const [id, ...verdicts] of proofs) {
    for (const [day, [level, verdict]] of verdicts.entries())
      await saveProof(ctx, repository, proof(id, day, { level, verdict }));
  }
  expect(await loadFailedProofs(ctx, repository)).toEqual(new Set(['bad', 'looked-at-less', 'fell-ill']));
});

function proof(id: string, day: number, judged: Pick<Proof, 'level' | 'verdict'>): Proof {
  const time = `2026-11-0${day + 1}T00:00:00.000Z`;
  return {
    format: 1,
    kind: 'proof',
    ...judged,
    snapshot: { id, source: 'main', time },
    tester: 'here',
    startedAt: time,
    finishedAt: time,
    checks: [],
    notReached: [],
    phases: [],
    recoveryMs: null,
    recovery: null,
    tables: [],
  };
}
