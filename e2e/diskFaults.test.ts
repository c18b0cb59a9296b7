import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect, vi } from 'vitest';
import { needs } from '../src/testing/needs.ts';
import { createCluster, type Cluster } from '../src/testing/postgresServer.ts';
import { restic } from '../src/testing/restic.ts';
import { tempDir } from '../src/testing/tempDir.ts';
import { jsonLines, outcomeOf, runProgram, type Outcome } from './fixture/program.ts';
import { makeRepository, objectsIn, password, repositoryEnvironment } from './fixture/repository.ts';

vi.setConfig({ testTimeout: 180_000 });

const main = resolve(import.meta.dirname, '../src/main.ts');

class Desk {
  readonly cluster: Cluster;
  readonly repository: string;
  readonly #environment: Record<string, string>;

  constructor(cluster: Cluster, repository: string) {
    this.cluster = cluster;
    this.repository = repository;
    this.#environment = repositoryEnvironment(repository);
  }

  run(...words: readonly string[]): Promise<Outcome> {
    return runProgram(words, { environment: this.#environment });
  }

  backup(): Promise<Outcome> {
    return this.run(...this.#backupWords());
  }

  /** A backup whose system calls fail as `inject` says (strace). */
  backupTampered(inject: string): Promise<Outcome> {
    const call = inject.slice(0, inject.indexOf(':'));
    const tracing = [
      '-qq',
      '-f',
      '-y',
      '-o',
      `/tmp/strace.${call}.${Date.now()}`,
      '-e',
      `trace=${call}`,
      '-e',
      `inject=${inject}`,
    ];
    const env = { PATH: process.env['PATH'], HOME: '/nonexistent', ...this.#environment };
    const words = [...tracing, process.execPath, main, ...this.#backupWords()];
    return outcomeOf(spawn('strace', words, { env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  /** New content for a table, so that the next backup has something to store. */
  async change(rows: number): Promise<void> {
    const random = `md5(g::text || clock_timestamp()::text)`;
    await this.cluster.sql(
      `drop table if exists t; create table t as select g, ${random} as a, ${random} as b from generate_series(1, ${rows}) g`,
    );
  }

  /** All snapshots that were reported are there, and neither we nor stock restic find anything wrong. */
  async expectWhole(reported: readonly string[]): Promise<void> {
    const listed = jsonLines((await this.run('snapshots', '--json')).stdout).map(({ id }) => String(id));
    expect(new Set(listed)).toEqual(new Set(reported));
    const checked = await this.run('check', '--read-data');
    expect(checked, checked.stderr).toMatchObject({ status: 0 });
    await restic(this.repository, password).run('check', '--read-data', '--no-lock');
  }

  #backupWords(): string[] {
    const { host, port, user } = this.cluster.connection;
    return ['backup', '--host', host, '--port', String(port), '--user', user, '--method', 'files', '--json'];
  }
}

function snapshotOf(outcome: Outcome): string {
  expect(outcome, outcome.stderr).toMatchObject({ status: 0 });
  return String(jsonLines(outcome.stdout).find((line) => line['message_type'] === 'summary')?.['snapshot_id']);
}

/** One error line with a code, and a status that is not 0. */
function failureOf(outcome: Outcome): string {
  expect(outcome.status).not.toBe(0);
  expect(outcome.stderr).not.toMatch(/\n\s+at /);
  const [failure] = jsonLines(outcome.stderr).filter((line) => 'code' in line);
  expect(failure).toMatchObject({ message: expect.any(String) });
  return String(failure?.['code']);
}

// counted in each thread: a backup makes its locks, packs, index and snapshot durable in several
for (const nth of [3, 9]) {
  needs('strace', 'restic')(
    `a disk that fails from fsync ${nth} of a backup on: an error, and nothing lost`,
    async () => {
      await using cluster = await createCluster();
      await using directory = await tempDir();
      await makeRepository(directory.join('repository'));
      const desk = new Desk(cluster, directory.join('repository'));
      await desk.change(3000);
      const reported = [snapshotOf(await desk.backup())];
      await desk.change(3000);
      expect(failureOf(await desk.backupTampered(`fsync:error=EIO:when=${nth}+`))).toBe('backend-io');
      await desk.expectWhole(reported);
      // one failure is got over: what was not made durable is written anew
      reported.push(snapshotOf(await desk.backupTampered(`fsync:error=EIO:when=${nth}`)));
      await desk.expectWhole(reported);
    },
  );
}

needs('root', 'restic')(
  'a full disk, then one that is read-only: an error, nothing lost, the next backup succeeds',
  async () => {
    await using cluster = await createCluster();
    await using directory = await tempDir();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=755', 'understudy-test', directory.path]);
    try {
      const repository = join(directory.path, 'repository');
      await makeRepository(repository);
      const desk = new Desk(cluster, repository);
      await desk.change(1000);
      const reported = [snapshotOf(await desk.backup())];
      await desk.change(500_000);
      expect(failureOf(await desk.backup())).toBe('backend-full');
      expect(objectsIn(join(repository, 'snapshots'))).toHaveLength(1);
      execFileSync('mount', ['-o', 'remount,size=400m', directory.path]);
      await desk.expectWhole(reported);
      reported.push(snapshotOf(await desk.backup()));
      await desk.expectWhole(reported);
      execFileSync('mount', ['-o', 'remount,ro', directory.path]);
      expect(failureOf(await desk.backup())).toBe('backend-denied');
      execFileSync('mount', ['-o', 'remount,rw', directory.path]);
      reported.push(snapshotOf(await desk.backup()));
      await desk.expectWhole(reported);
    } finally {
      spawnSync('umount', ['-l', directory.path]);
    }
  },
);
