import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ProofBench } from '../testing/proofBench.ts';
import { rootOnly } from '../testing/needs.ts';
import { createCluster } from '../testing/postgresServer.ts';
import type { TempDir } from '../testing/tempDir.ts';
import { fingerprint } from './fixture/fingerprint.ts';
import { failed, proveWith } from './fixture/prove.ts';

const { PATH } = process.env;
afterEach(() => void (process.env['PATH'] = PATH));

/** A PATH on which everything is but one program. */
function pathWithout(program: string, directory: TempDir): string {
  const programs = directory.join('programs');
  mkdirSync(programs);
  for (const place of (PATH ?? '').split(':').toReversed()) {
    for (const name of namesIn(place)) if (name !== program) link(join(place, name), join(programs, name));
  }
  return programs;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // not every directory of a PATH exists
  }
}

function link(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch {
    // the same name in another directory
  }
}

test('without server programs of that version, or a place to restore to, the result is inconclusive', async () => {
  await using cluster = await createCluster({ major: 14 }); // which no package of the system has installed
  await using bench = await ProofBench.open();
  await bench.backup(cluster);
  const { path: scratch } = bench.directory;
  const bad = [{ scratch: bench.directory.join('nowhere') }, { scratch, programs: { packageRoot: '/' } }];
  for (const sandbox of bad) {
    const { proof } = await proveWith(bench, { level: 4, sandbox });
    expect(proof.verdict).toBe('inconclusive');
    expect(proof.checks.at(-1)).toMatchObject({ name: 'sandbox', status: 'inconclusive' });
    expect(proof.notReached).toContain('recovery');
  }
});

rootOnly('without room to restore the result is inconclusive, and nothing was begun', async () => {
  await using cluster = await createCluster();
  await using bench = await ProofBench.open();
  await bench.backup(cluster);
  const scratch = bench.directory.join('small');
  mkdirSync(scratch);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=755', 'tmpfs', scratch]);
  try {
    const { proof } = await proveWith(bench, { level: 4, sandbox: { scratch } });
    expect(proof.verdict).toBe('inconclusive');
    expect(proof.checks.at(-1)).toMatchObject({ name: 'restored files', status: 'inconclusive' });
    expect(proof.checks.at(-1)?.actual).toContain('free');
    expect(readdirSync(scratch)).toEqual([]);
    const { kept } = await proveWith(bench, { level: 4, sandbox: { scratch }, keepSandbox: true });
    expect(readdirSync(scratch).map((name) => join(scratch, name))).toEqual([kept]);
  } finally {
    execFileSync('umount', [scratch]);
  }
});

test('where nothing can be hidden from the sandbox, WAL that creates a tablespace is not replayed', async () => {
  await using bench = await ProofBench.open();
  await using cluster = await bench.createArchiving();
  await bench.backup(cluster);
  process.env['PATH'] = pathWithout('unshare', bench.directory);
  const shared = await proveWith(bench, { level: 4 });
  expect(shared.proof.verdict).toBe('passed');
  expect(shared.proof.checks.find(({ name }) => name === 'sandbox')).toMatchObject({ status: 'warning' });
  expect(shared.proof.recovery?.isolation).toEqual({ mounts: false, network: false });

  const location = await cluster.createTablespace('after');
  await bench.archiveAll(cluster);
  await cluster.sql('checkpoint');
  await cluster.stop();
  const original = fingerprint(location);
  const { proof } = await proveWith(bench, { level: 4 });
  expect(failed(proof)).toEqual([]);
  expect(proof.verdict).toBe('inconclusive');
  expect(proof.checks.at(-1)).toMatchObject({ name: 'recovery', status: 'inconclusive' });
  expect(proof.checks.at(-1)?.actual).toContain(`replay creates a tablespace in ${location}`);
  expect(fingerprint(location)).toEqual(original);
  expect(bench.sandboxes()).toEqual([]);
});
