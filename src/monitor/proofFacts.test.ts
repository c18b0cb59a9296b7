import { expect, test } from 'vitest';
import type { SourceKind } from '../backup/sourceSnapshot.ts';
import { ago, dayMs } from '../testing/monitorFacts.ts';
import { proofOf, type MadeProof } from './fixture/proofs.ts';
import { proofFacts } from './proofFacts.ts';

/** Of proofs that are a day apart, the newest first. */
function factsOf(kind: SourceKind, ...proofs: readonly Omit<MadeProof, 'at'>[]) {
  const made = proofs.map((proof, day) => proofOf({ kind, ...proof, at: ago(day * dayMs) }));
  return proofFacts(made, { source: 'app', kind, present: new Set(['a', 'b']) });
}

test('a database has to be restored to count as verified, of files every byte read is enough', () => {
  const listed = { level: 3 } as const;
  expect(factsOf('dump', listed).verified).toBeUndefined();
  expect(factsOf('dump', listed, { level: 4 }).verified).toMatchObject({ level: 4, at: ago(dayMs) });
  expect(factsOf('files', listed).verified).toMatchObject({ level: 3 });
  expect(factsOf('files', { level: 1 }).verified).toBeUndefined();
});

test('a proof of the whole repository read every byte of every source, which proves no database', () => {
  expect(factsOf('git', { id: null, level: 2 }).verified).toMatchObject({ snapshot: undefined, level: 2 });
  expect(factsOf('git', { id: null, level: 1 }).verified).toBeUndefined();
  expect(factsOf('postgres', { id: null, level: 2 }).verified).toBeUndefined();
});

test('proofs of other sources and failed ones verify nothing; a proof outlives its snapshot', () => {
  expect(factsOf('files', { source: 'other' }).verified).toBeUndefined();
  expect(factsOf('files', { kind: 'dump' }).verified).toBeUndefined();
  expect(factsOf('files', { verdict: 'failed' }, { verdict: 'inconclusive' }).verified).toBeUndefined();
  expect(factsOf('files', { id: 'forgotten' }).verified).toBeDefined();
});

test('a proof that failed stands until one of its level passes, or its snapshot is gone', () => {
  const failed = { verdict: 'failed', level: 4 } as const;
  expect(factsOf('dump', failed).lastProof?.verdict).toBe('failed');
  expect(factsOf('dump', { level: 2 }, failed).lastProof?.verdict).toBe('failed');
  expect(factsOf('dump', { id: 'b', level: 4 }, failed).lastProof?.verdict).toBe('passed');
  expect(factsOf('dump', { ...failed, id: 'forgotten' }).lastProof).toBeUndefined();
  expect(factsOf('dump').lastProof).toBeUndefined();
});

test('damage of the repository stands until the whole of it has passed, whatever one snapshot proves', () => {
  const damaged = { id: null, verdict: 'failed', level: 2 } as const;
  expect(factsOf('dump', { level: 4 }, damaged).lastProof).toMatchObject({ verdict: 'failed', snapshot: undefined });
  expect(factsOf('dump', { id: null, level: 2 }, damaged).lastProof?.verdict).toBe('passed');
});

test('where a part of the data was read, nothing is verified and no damage is taken back, unless all was restored', () => {
  const part = { level: 3, partial: true } as const;
  expect(factsOf('files', part).verified).toBeUndefined();
  expect(factsOf('files', { ...part, level: 4 }).verified).toMatchObject({ level: 4 });
  expect(factsOf('files', part, { verdict: 'failed', level: 2 }).lastProof?.verdict).toBe('failed');
  const whole = { id: null, level: 2 } as const;
  expect(factsOf('git', { ...whole, partial: true }).verified).toBeUndefined();
  expect(factsOf('git', { ...whole, partial: true }, { ...whole, verdict: 'failed' }).lastProof?.verdict).toBe(
    'failed',
  );
});

test('a tester that broke afterwards takes nothing back of a failure', () => {
  const broke = { verdict: 'inconclusive' } as const;
  expect(factsOf('dump', broke, { verdict: 'failed' }).lastProof?.verdict).toBe('failed');
  expect(factsOf('dump', broke, {}, { verdict: 'failed' }).lastProof?.verdict).toBe('inconclusive');
});

test('the recovery time is that of the newest rehearsal that passed', () => {
  const facts = factsOf(
    'postgres',
    { level: 2 },
    { verdict: 'failed', recoveryMs: 5 },
    { recoveryMs: 7000 },
    { recoveryMs: 9000 },
  );
  expect(facts.recovery).toEqual({ durationMs: 7000, at: ago(2 * dayMs) });
  expect(factsOf('postgres', { level: 4 }).recovery).toBeUndefined();
});
