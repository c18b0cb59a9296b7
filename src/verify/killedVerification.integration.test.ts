import { execFile, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ProofBench, benchPassword } from '../testing/proofBench.ts';
import { createContext } from '../base/context.ts';
import { silentProgress } from '../base/progress.ts';
import { removeOrphans } from '../postgres/scratchDirectory.ts';
import { listProcesses } from '../testing/processes.ts';
import { createCluster, existingCluster } from '../testing/postgresServer.ts';
import { makeTable, proveWith } from './fixture/prove.ts';

const run = promisify(execFile);
const program = join(import.meta.dirname, 'fixture/verifyProcess.ts');

const phases = [
  'restoring files',
  'replaying WAL',
  'reading tables of postgres',
  'checking indexes of postgres',
  'verifying pages',
];

test('killed at the beginning of any phase, it leaves nothing that the next one does not remove', async () => {
  await using cluster = await createCluster();
  await makeTable(cluster);
  await using bench = await ProofBench.open();
  await bench.backup(cluster);
  const { path: scratch } = bench.directory;
  for (const phase of phases) {
    const killed = run(process.execPath, [program, bench.repositoryPath, scratch, benchPassword, phase]);
    await expect(killed, phase).rejects.toMatchObject({ signal: 'SIGKILL' });
    const [left] = bench.sandboxes();
    expect(left, phase).toMatch(/^understudy-scratch-/);
    await removeOrphans(createContext(), scratch);
    expect(bench.sandboxes(), phase).toEqual([]);
    expect(listProcesses().filter(({ command }) => command.includes(left!))).toEqual([]);
  }
});

test('neither the password of the repository nor one of the original is ever in the sandbox', async () => {
  await using cluster = await createCluster();
  const secret = 'of the original';
  await cluster.sql(`alter system set primary_conninfo = 'host=elsewhere password=''${secret}'''`);
  await using bench = await ProofBench.open();
  await bench.backup(cluster);
  const looked: string[] = [];
  await proveWith(bench, {
    level: 4,
    progress: {
      ...silentProgress,
      phase: (name) => {
        const sandbox = bench.sandboxes()[0];
        if (sandbox === undefined || !readdirSync(bench.directory.join(sandbox)).includes('run')) return;
        looked.push(name);
        const processes = listProcesses().filter(({ command }) => command.includes(sandbox));
        expect(processes.map(({ command }) => command).join('\n')).not.toContain(benchPassword);
        const args = ['-rlaF', '-e', benchPassword, '-e', secret, bench.directory.join(sandbox)];
        expect(spawnSync('grep', args, { encoding: 'utf8' })).toMatchObject({ stdout: '', status: 1 });
      },
    },
  });
  expect(looked).toContain('reading tables of postgres');
});

test('what is kept on demand is a stopped cluster that starts again', async () => {
  await using cluster = await createCluster({ tablespaces: ['space'] });
  await cluster.sql('create table placed tablespace space as select 1 as id');
  await using bench = await ProofBench.open();
  await bench.backup(cluster);
  const { proof, kept } = await proveWith(bench, { level: 4, keepSandbox: true });
  expect(proof.verdict).toBe('passed');
  expect(kept).toMatch(/understudy-kept-/);
  await removeOrphans(createContext(), bench.directory.path);
  await using again = await existingCluster({ dataDirectory: join(kept!, 'data'), major: 15 });
  await again.start();
  expect(await again.sql('select id from placed')).toEqual([{ id: 1 }]);
});
