import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ProofBench, benchPassword } from '../../testing/proofBench.ts';
import { createCluster } from '../../testing/postgresServer.ts';

const program = join(import.meta.dirname, '../../main.ts');

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function verify(bench: ProofBench, ...words: readonly string[]): Promise<Ended> {
  const env = {
    PATH: process.env['PATH'],
    UNDERSTUDY_REPOSITORY: bench.repositoryPath,
    UNDERSTUDY_PASSWORD: benchPassword,
  };
  const args = [program, 'verify', ...words];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env, cwd: bench.directory.path }, (error, stdout, stderr) => {
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

test('verify says what it proved, keeps the proof, and ends with 0, 1 or 4', async () => {
  await using cluster = await createCluster();
  await cluster.sql('create table t as select g as id from generate_series(1, 1000) g');
  await using bench = await ProofBench.open();
  const { snapshot } = await bench.backup(cluster);
  const scratch = ['--scratch', bench.directory.path];

  const good = await verify(bench, ...scratch);
  expect(good).toMatchObject({ status: 0 });
  expect(good.stdout).toMatch(/^snapshot [0-9a-f]{8} of main, /);
  expect(good.stdout).toContain('level 4, restore: the backup was restored in a sandbox');
  expect(good.stdout).toMatch(/1 table, 1,000 rows\n.*\npassed: recovery proved in \d/);
  expect(good.stderr).toContain('restoring files');

  const elsewhere = await verify(bench, '--scratch', bench.directory.join('nowhere'), '--json');
  expect(elsewhere.status).toBe(4);
  expect(errorOf(elsewhere)).toMatchObject({ code: 'verification-inconclusive' });

  const whole = await verify(bench, '--whole-repository', '--subset', '1/2', '--json');
  expect(whole.status).toBe(0);
  expect(lastLine(whole)).toMatchObject({
    message_type: 'proof',
    verdict: 'passed',
    level: 2,
    partial: true,
    snapshot: null,
  });

  for (const words of [
    ['--level', '4'],
    ['--name', 'a restore point'],
  ]) {
    const refused = await verify(bench, '--whole-repository', ...words, '--json');
    expect(errorOf(refused), words[0]).toMatchObject({ code: 'usage' });
  }
  const outside = await verify(bench, '--xid', '4000000000', '--json');
  expect(errorOf(outside)).toMatchObject({ code: 'target-outside-window' });

  for (const folder of readdirSync(join(bench.repositoryPath, 'data'))) {
    for (const name of readdirSync(join(bench.repositoryPath, 'data', folder)))
      damage(join(bench.repositoryPath, 'data', folder, name));
  }
  const bad = await verify(bench, snapshot.id.slice(0, 8), '--level', '2', '--json');
  expect(bad.status).toBe(1);
  expect(errorOf(bad)).toMatchObject({ code: 'verification-failed' });
  expect(lastLine(bad)).toMatchObject({ message_type: 'proof', verdict: 'failed', level: 2, partial: false });

  const history = await verify(bench, '--history');
  expect(history.status).toBe(0);
  expect(history.stdout.split('\n').map((line) => line.split(/ {2,}/)[5])).toEqual([
    'Verdict',
    'failed',
    'passed',
    'inconclusive',
    'passed',
    undefined,
  ]);
});

function errorOf({ stderr }: Ended): unknown {
  return JSON.parse(stderr.trim().split('\n').at(-1) ?? '');
}

function lastLine({ stdout }: Ended): unknown {
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

function damage(path: string): void {
  const bytes = readFileSync(path);
  bytes[100]! ^= 1;
  rmSync(path);
  writeFileSync(path, bytes);
}
