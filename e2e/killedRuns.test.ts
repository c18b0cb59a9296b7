import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import { seededRandom } from '../src/base/random.ts';
import { needs } from '../src/testing/needs.ts';
import { giveTree, startRestored } from '../src/backup/fixture/physical.ts';
import { tableHashes } from '../src/testing/tableHashes.ts';
import { createCluster, type Cluster } from '../src/testing/postgresServer.ts';
import { restic } from '../src/testing/restic.ts';
import { tempDir } from '../src/testing/tempDir.ts';

vi.setConfig({ testTimeout: 600_000 });

/** 200 in a long run (UNDERSTUDY_KILLS=200); fewer in every run, each at another moment. */
const kills = Number(process.env['UNDERSTUDY_KILLS'] ?? 20);
const seed = Number(process.env['UNDERSTUDY_SEED'] ?? Date.now() % 1_000_000);
const entry = resolve(import.meta.dirname, '../src/main.ts');
const password = 'correct horse';

vi.setConfig({ testTimeout: 180_000 + kills * 10_000 });

interface Bench {
  readonly cluster: Cluster;
  readonly repository: string;
}

function start({ repository }: Bench, ...args: readonly string[]) {
  const env = { ...process.env, UNDERSTUDY_REPOSITORY: repository, UNDERSTUDY_PASSWORD: password };
  return spawn(process.execPath, [entry, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function run(bench: Bench, ...args: readonly string[]): Promise<string> {
  const child = start(bench, ...args);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += String(bytes)));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`understudy ${args.join(' ')} ended with ${code}: ${output}`);
  return output;
}

/** Starts a command and kills it after a while; how long a whole run takes is learnt from those that came through. */
async function runKilled(bench: Bench, args: readonly string[], afterMs: number): Promise<'killed' | 'finished'> {
  const child = start(bench, ...args);
  const closed = once(child, 'close');
  await Promise.race([delay(afterMs), closed]);
  const finished = child.exitCode !== null;
  child.kill('SIGKILL');
  await closed;
  return finished ? 'finished' : 'killed';
}

needs('restic')(`runs killed at ${kills} random moments leave a repository that is whole`, async () => {
  const random = seededRandom(seed);
  await using cluster = await createCluster();
  await using directory = await tempDir({ owner: 'server' });
  const bench = { cluster, repository: directory.join('repository') };
  const reach = ['--host', cluster.socketDirectory, '--user', 'postgres', '--method', 'files'];
  const commands = [
    { args: ['backup', 'main', ...reach], wholeMs: 1500 },
    { args: ['backup', 'main', ...reach, '--rehash'], wholeMs: 1500 },
    { args: ['forget', '--keep-last', '3', '--prune'], wholeMs: 1200 },
    { args: ['prune', '--max-unused', '0'], wholeMs: 1200 },
  ];
  await run(bench, 'init');
  await cluster.sql('create table t (id int, text text); create table history (round int)');
  await run(bench, 'backup', 'main', ...reach);
  const judge = restic(bench.repository, password);
  let killed = 0;
  for (let round = 0; killed < kills; round++) {
    await cluster.sql(
      `insert into t select g, md5(random()::text) from generate_series(1, 3000) g; insert into history values (${round})`,
    );
    const command = commands[Math.floor(random() * commands.length)]!;
    const outcome = await runKilled(bench, command.args, 150 + random() * command.wholeMs);
    if (outcome === 'finished') continue;
    killed++;
    await run(bench, 'check');
    if (killed % 5 === 0) await judge.run('check', '--read-data', '--no-lock');
  }
  // nothing is repaired by hand: the next runs of everything succeed
  await run(bench, 'backup', 'main', ...reach);
  await run(bench, 'forget', '--keep-last', '1', '--prune');
  await judge.run('check', '--read-data');
  const target = directory.join('out');
  await mkdir(target);
  await judge.run('restore', 'latest', '--target', target, '--verify');
  await giveTree(join(target, 'main'));
  await using restored = await startRestored(join(target, 'main', 'pgdata'), 15);
  expect(await tableHashes(restored)).toEqual(await tableHashes(cluster));
  expect(killed, `seed ${seed}`).toBe(kills);
});
