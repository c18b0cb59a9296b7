import { afterAll, beforeAll, expect, test } from 'vitest';
import { OperationError } from '../base/errors.ts';
import { ProofBench } from '../testing/proofBench.ts';
import { createCluster } from '../testing/postgresServer.ts';
import type { Assertion } from './application/assertion.ts';
import { makeTable, problemsOf, proveWith } from './fixture/prove.ts';
import { tamper } from './fixture/tamper.ts';

const timeoutMs = 30_000;
const allRows: Assertion = { kind: 'sql', name: 'tables', sql: 'select count(*) = 20000 from t', timeoutMs };
let bench: ProofBench;

beforeAll(async () => {
  bench = await ProofBench.open();
  await using cluster = await createCluster();
  await makeTable(cluster);
  await bench.backup(cluster);
});
afterAll(() => bench[Symbol.asyncDispose]());

test('a recovered cluster is asked, and commands reach it through its private socket', async () => {
  const command =
    'test -S "$PGHOST/.s.PGSQL.$PGPORT" && case "$DATABASE_URL" in postgresql://postgres@/postgres*) ;; *) false ;; esac';
  const reachable: Assertion = { kind: 'command', name: 'reachable', command, timeoutMs };
  const { proof } = await proveWith(bench, { level: undefined, assertionsOf: () => [allRows, reachable] });
  expect(problemsOf(proof)).toEqual([]);
  expect(proof).toMatchObject({ verdict: 'passed', level: 5, notReached: [] });
  expect(proof.checks.slice(-2)).toMatchObject([
    { name: 'tables', level: 5, status: 'passed' },
    { name: 'reachable', level: 5, status: 'passed' },
  ]);
  expect(bench.sandboxes()).toEqual([]);
});

test('an assertion that does not hold makes a backup bad whose every byte is right', async () => {
  const more: Assertion = { ...allRows, name: 'more rows', sql: 'select count(*) > 20000 from t' };
  const { proof } = await proveWith(bench, { level: 5, assertionsOf: () => [more, allRows] });
  expect(proof.verdict).toBe('failed');
  expect(problemsOf(proof)).toEqual(['more rows: failed: false ']);
  expect(proof.recoveryMs).toBeGreaterThan(0);
});

test('below level 5 nothing is asserted; without assertions there is no level 5', async () => {
  const { proof } = await proveWith(bench, { level: 1, assertionsOf: () => [allRows] });
  expect(proof).toMatchObject({ verdict: 'passed', notReached: [] });
  await expect(proveWith(bench, { level: 5 })).rejects.toThrow(OperationError);
});

test('an assertion that was not reached is told, though a check of ours has its name', async () => {
  await tamper(bench, 'main/pgdata/global/pg_control', (content) => content.fill(7, 0, 100));
  const { proof } = await proveWith(bench, { level: 5, assertionsOf: () => [allRows] });
  expect(proof.verdict).toBe('failed');
  expect(proof.notReached).toContain('recovery');
  expect(proof.notReached.at(-1)).toBe('tables');
  expect(proof.notReached.filter((name) => name === 'tables')).toHaveLength(2);
});
