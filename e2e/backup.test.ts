import { execFileSync, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { needs } from '../src/testing/needs.ts';
import { createCluster, type Cluster } from '../src/testing/postgresServer.ts';
import { restic } from '../src/testing/restic.ts';
import { tempDir } from '../src/testing/tempDir.ts';
import { waitFor } from '../src/testing/waitFor.ts';
import { jsonLines, outcomeOf, runProgram, startProgram, type Outcome } from './fixture/program.ts';
import { filesIn, makeRepository, objectsIn, password, repositoryEnvironment } from './fixture/repository.ts';

vi.setConfig({ testTimeout: 180_000 });

/** An index document is saved at the latest with the pack that comes so long after the first that it describes. */
const indexAgeMs = 20_500;

function connectionWords(cluster: Cluster): string[] {
  const { host, port, user } = cluster.connection;
  return ['--host', host, '--port', String(port), '--user', user];
}

function succeeded(outcome: Outcome): Outcome {
  expect(outcome, outcome.stderr).toMatchObject({ status: 0 });
  return outcome;
}

needs('restic')('from init to forget, by both methods, and stock restic finds nothing wrong', async () => {
  await using cluster = await createCluster();
  await using directory = await tempDir();
  await cluster.sql(
    'create table t as select g as id, md5(g::text) as text from generate_series(1, 20000) g; checkpoint',
  );
  const repository = directory.join('repository');
  const environment = repositoryEnvironment(repository);
  const run = async (...words: string[]) => succeeded(await runProgram(words, { environment }));

  expect((await run('init')).stdout).toMatch(/^created repository [0-9a-f]{10} at /);
  const files = await run('backup', ...connectionWords(cluster), '--method', 'files', '--tag', 'first');
  expect(files.stdout).toMatch(/^main: snapshot [0-9a-f]{8} in .*method files, everything read/);
  expect(files.stdout).toMatch(/checksums verified, all good/);
  const stream = await run('backup', ...connectionWords(cluster), '--method', 'stream', '--json');
  const summary = jsonLines(stream.stdout).find((line) => line['message_type'] === 'summary');
  expect(summary).toMatchObject({ source: 'main', record: { method: 'stream', pages: { badCount: 0 } } });
  const automatic = await run('backup', ...connectionWords(cluster));
  expect(automatic.stdout).toContain('method files');

  const snapshots = jsonLines((await run('snapshots', '--json')).stdout);
  expect(snapshots.map(({ kind, source }) => ({ kind, source }))).toEqual(
    Array.from({ length: 3 }, () => ({ kind: 'postgres', source: 'main' })),
  );
  expect(snapshots[1]).toMatchObject({ id: summary?.['snapshot_id'] });
  expect(jsonLines((await run('snapshots', '--json', '--tag', 'first')).stdout)).toHaveLength(1);
  expect(jsonLines((await run('snapshots', '--json', '--source', 'other')).stdout)).toHaveLength(0);

  expect((await run('ls', 'latest')).stdout).toBe('/main\n');
  expect((await run('ls', '-l', 'latest:pgdata')).stdout).toMatch(
    /^-rw------- \S+ \S+ +3 .* \/main\/pgdata\/PG_VERSION$/m,
  );
  expect((await run('dump', 'latest', 'pgdata/PG_VERSION')).stdout).toBe('15\n');
  const target = directory.join('version');
  await run('dump', 'latest', '/main/pgdata/PG_VERSION', '--target', target);
  expect(readFileSync(target, 'utf8')).toBe('15\n');
  const again = await runProgram(['dump', 'latest', 'pgdata/PG_VERSION', '--target', target, '--json'], {
    environment,
  });
  expect(JSON.parse(again.stderr)).toMatchObject({ code: 'destination-not-empty' });

  expect((await run('check', '--read-data')).stdout).toContain('no errors');
  const planned = jsonLines((await run('forget', '--keep-last', '1', '--dry-run', '--json')).stdout);
  expect(planned.filter((line) => line['message_type'] === 'forget_decision')).toMatchObject([
    { keep: true, reasons: ['last snapshot', 'last good backup of the source'] },
    { keep: false, reasons: [] },
    { keep: false, reasons: [] },
  ]);
  expect(objectsIn(join(repository, 'snapshots'))).toHaveLength(3);
  expect((await run('forget', '--keep-last', '1', '--prune')).stdout).toContain('2 snapshots forgotten, 1 kept');
  expect(objectsIn(join(repository, 'snapshots'))).toHaveLength(1);
  expect((await run('prune', '--max-unused', '0%')).stdout).toContain('0 B stays unused');
  expect((await run('check', '--read-data')).stdout).toContain('no errors');
  expect((await run('dump', 'latest', 'pgdata/PG_VERSION')).stdout).toBe('15\n');
  await restic(repository, password).run('check', '--read-data');
  expect(filesIn(join(repository, 'locks'))).toEqual([]);
});

test('bad pages are shown, end with 3, and the snapshot is kept', async () => {
  await using cluster = await createCluster();
  await using directory = await tempDir();
  await makeRepository(directory.join('repository'));
  await cluster.sql(
    'create table t as select g as id, md5(g::text) as text from generate_series(1, 20000) g; checkpoint',
  );
  const [row] = await cluster.sql<{ path: string }>(`select pg_relation_filepath('t') as path`);
  await cluster.stop();
  const damaged = `of=${join(cluster.dataDirectory, row!.path)}`;
  execFileSync('dd', [damaged, 'if=/dev/urandom', 'bs=1', 'count=16', `seek=${8192 * 3 + 4000}`, 'conv=notrunc'], {
    stdio: 'ignore',
  });
  await cluster.start();
  const environment = repositoryEnvironment(directory.join('repository'));
  const backup = await runProgram(['backup', '--quiet', ...connectionWords(cluster)], { environment });
  expect(backup.status).toBe(3);
  expect(backup.stdout).toContain('1 BAD PAGE');
  expect(backup.stderr).toContain(`warning: page with a wrong checksum in the source: ${row!.path}, block 3\n`);
  expect(backup.stderr).toMatch(
    /understudy: 1 page of main with wrong checksums\nhint: the snapshot [0-9a-f]{8} is kept/,
  );
  const json = await runProgram(['backup', '--rehash', '--json', ...connectionWords(cluster)], { environment });
  expect(jsonLines(json.stderr).at(-1)).toMatchObject({ code: 'page-checksum', exit: 3 });
  expect((await runProgram(['snapshots'], { environment })).stdout.match(/1 BAD PAGES/g)).toHaveLength(2);
});

describe('Ctrl-C', () => {
  needs('restic')('ends with 130 and without a lock; the next backup stores only what is missing', async () => {
    await using cluster = await createCluster();
    await using directory = await tempDir();
    const repository = directory.join('repository');
    await makeRepository(repository);
    await cluster.sql(`
      create table t as select sha512(g::text::bytea) || sha512((-g)::text::bytea) as incompressible
        from generate_series(1, 800000) g; checkpoint`);
    const environment = { ...repositoryEnvironment(repository), UNDERSTUDY_PACK_SIZE: '4MiB' };
    const words = ['backup', ...connectionWords(cluster), '--method', 'files', '--compression', 'max', '--json'];

    const first = startProgram(words, { environment });
    const ended = outcomeOf(first);
    const waiting = { timeoutMs: 50_000 };
    await waitFor(() => objectsIn(join(repository, 'data')).length > 2, { what: 'the first packs', ...waiting });
    await sleepThrough(first);
    await waitFor(() => objectsIn(join(repository, 'index')).length > 0, { what: 'an index', ...waiting });
    first.kill('SIGINT');
    const interrupted = await ended;
    expect(interrupted.status).toBe(130);
    expect(JSON.parse(interrupted.stderr)).toMatchObject({ code: 'interrupted' });
    expect(filesIn(join(repository, 'locks'))).toEqual([]);
    expect(filesIn(repository).filter((name) => name.includes('-tmp-'))).toEqual([]);
    expect(filesIn(join(repository, 'snapshots'))).toEqual([]);

    const second = succeeded(await runProgram(words, { environment }));
    const summary = jsonLines(second.stdout).find((line) => line['message_type'] === 'summary');
    const { data_added: added, total_bytes_processed: total } = summary as Record<string, number>;
    expect(added! + 4 * 2 ** 20).toBeLessThan(total!);
    await restic(repository, password).run('check', '--read-data');
  });
});

/** As a laptop that slept for a while: what was uploaded until then is due for an index document afterwards. */
async function sleepThrough(child: ChildProcess): Promise<void> {
  const begin = performance.now();
  child.kill('SIGSTOP');
  await waitFor(() => performance.now() - begin > indexAgeMs, { what: 'time' });
  child.kill('SIGCONT');
}
