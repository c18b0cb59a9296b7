import { expect, test, vi } from 'vitest';
import { createContext } from '../../base/context.ts';
import { RepositoryLock } from '../../repository/lock.ts';
import { forget } from '../../retention/forget.ts';
import { newRepository, reopen } from '../../testing/repositories.ts';
import { SimulatedClock } from '../../testing/simulatedClock.ts';
import { backUp } from '../../testing/testSnapshots.ts';
import type { Proof } from '../../verify/proof.ts';
import { saveProof } from '../../verify/proofStore.ts';
import { loadFailedProofs } from './failedProofs.ts';

const ctx = createContext();

test('a proof that failed counts until one at its level or above passes; an inconclusive one tells nothing', async () => {
  const repository = await newRepository();
  const proofs: readonly [id: string, ...(readonly [Proof['level'], Proof['verdict'], 'partial'?])[]][] = [
    ['good', [4, 'passed']],
    ['bad', [2, 'passed'], [4, 'failed']],
    ['mended', [3, 'failed'], [4, 'passed']],
    ['looked-at-less', [4, 'failed'], [2, 'passed'], [4, 'inconclusive']],
    ['fell-ill', [4, 'passed'], [2, 'failed']],
    ['looked-at-in-part', [2, 'failed'], [3, 'passed', 'partial']],
    ['restored-whole', [2, 'failed'], [4, 'passed', 'partial']],
  ];
  for (const [id, ...verdicts] of proofs) {
    for (const [day, [level, verdict, part]] of verdicts.entries())
      await saveProof(ctx, repository, proof(id, day, { level, verdict, partial: part !== undefined }));
  }
  const snapshots = [...proofs.map(([id]) => ({ id })), { id: 'never proved' }];
  const failed = await loadFailedProofs(ctx, repository, snapshots);
  expect(failed).toEqual(new Set(['bad', 'looked-at-less', 'fell-ill', 'looked-at-in-part']));
});

test('a proof of a snapshot still holds after stock restic has tagged it, which gives it another id', async () => {
  const repository = await newRepository();
  const [bad, mended] = ['bad', 'mended'].map((original) => ({ id: `${original}-tagged`, original }));
  for (const { original } of [bad!, mended!]) {
    await saveProof(ctx, repository, proof(original, 0, { level: 4, verdict: 'failed' }));
  }
  await saveProof(ctx, repository, proof(mended!.id, 1, { level: 4, verdict: 'passed' }));
  expect(await loadFailedProofs(ctx, repository, [bad!, mended!])).toEqual(new Set([bad!.id]));
});

test('a proof that fails while forget waits for the lock counts', async () => {
  const clock = new SimulatedClock();
  const waiting = createContext({ clock });
  const repository = await newRepository({ ctx: waiting });
  const record = Buffer.from(JSON.stringify({ format: 1, kind: 'files', source: 'main' }));
  const backup = { files: { 'understudy.json': record }, tags: ['understudy', 'kind:files', 'source:main'] };
  const ids: string[] = [];
  for (let day = 0; day < 2; day++) {
    ids.push((await backUp(waiting, repository, backup)).id);
    clock.advance(86_400_000);
  }
  const verifying = await RepositoryLock.acquire(waiting, await reopen(repository, waiting), { exclusive: false });
  vi.spyOn(clock, 'sleep').mockImplementationOnce(async () => {
    await saveProof(ctx, repository, proof(ids[1]!, 0, { level: 4, verdict: 'failed' }));
    await verifying[Symbol.asyncDispose]();
  });
  const { forgotten } = await forget(waiting, repository, {
    selection: { policy: { last: 1 } },
    retryMs: 60_000,
    failedProofs: (locked, snapshots) => loadFailedProofs(locked, repository, snapshots),
  });
  expect(forgotten.remove).toEqual([]);
  expect(await repository.listIds(ctx, 'snapshots')).toHaveLength(2);
});

function proof(id: string, day: number, judged: Pick<Proof, 'level' | 'verdict'> & Partial<Proof>): Proof {
  const time = `2026-11-0${day + 1}T00:00:00.000Z`;
  return {
    format: 1,
    kind: 'proof',
    partial: false,
    ...judged,
    snapshot: { id, kind: 'postgres', source: 'main', time },
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
