import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { createArchivedCluster, type ArchivedCluster } from '../testing/archivedCluster.ts';
import { chownTree } from '../postgres/runtimeUser.ts';
import { existingCluster, type Cluster } from '../testing/postgresServer.ts';
import { serverUser } from '../testing/serverUser.ts';
import { tempDir, type TempDir } from '../testing/tempDir.ts';
import { waitFor } from '../testing/waitFor.ts';
import { createServerRepository, program, type ServerRepository } from './fixture/walCommands.ts';
import { composeArchiveCommand, composeRestoreCommand } from './shellCommand.ts';
import { prefetcherState, stopPrefetcher } from './walGetRequest.ts';
import { stopArchiver } from './walPushRequest.ts';

const ctx = createContext();
const committedRows = 6;

let directory: TempDir;
let source: ArchivedCluster;
let repository: ServerRepository;
let segments: string[];

interface Recovery {
  /** Rows of `kept` after the end of recovery; undefined when the server stopped instead. */
  readonly rows: number | undefined;
  readonly log: string;
}

/** Restores the base backup and lets the server recover to the end of the archive. */
async function recover(name: string, command: string): Promise<Recovery> {
  const dataDirectory = await source.restore(name);
  await using cluster = await existingCluster({
    major: source.cluster.major,
    dataDirectory,
    settings: { archive_mode: 'off', restore_command: command, hot_standby: false },
  });
  try {
    await cluster.start({ until: 'recovered' });
  } catch {
    expect(newTimelines(cluster), 'no new timeline may have begun').toEqual([]);
    return { rows: undefined, log: await cluster.log() };
  }
  const [row] = await cluster.sql<{ count: number }>('select count(*)::int as count from kept');
  return { rows: row!.count, log: await cluster.log() };
}

function newTimelines(cluster: Cluster): string[] {
  return readdirSync(join(cluster.dataDirectory, 'pg_wal')).filter((name) => name.endsWith('.history'));
}

/** A copy of the archive that may be damaged; `location` is a name beside the original. */
async function copyOfArchive(name: string): Promise<string> {
  const location = directory.join(`archive-${name}`);
  cpSync(repository.location, location, { recursive: true });
  const user = serverUser();
  if (user !== undefined) await chownTree(ctx, location, user);
  return location;
}

function objectOf(location: string, segment: string): string {
  const [cluster] = readdirSync(join(location, 'wal'));
  return join(location, 'wal', cluster!, '00000001', segment);
}

function restoreCommand(location: string, extra: readonly string[] = [], spool?: string): string {
  const [, , ...password] = repository.commonArguments;
  return composeRestoreCommand({ program, commonArguments: ['--repo', location, ...password, ...extra], spool });
}

/** The oldest, the newest, one between; restoreCommandFaults goes through all of them. */
describe.each([13, 15, 18] as const)('PostgreSQL %i', (major) => {
  beforeAll(async () => {
    directory = await tempDir({ owner: 'server' });
    repository = await createServerRepository(directory.path);
    const { spool, commonArguments } = repository;
    source = await createArchivedCluster(major, {
      archive_command: composeArchiveCommand({ program, commonArguments, spool }),
    });
    let last = '';
    for (let row = 2; row <= committedRows; row++) {
      await source.cluster.sql('insert into kept values ($1)', [row]);
      const [switched] = await source.cluster.sql<{ name: string }>('select pg_walfile_name(pg_switch_wal()) as name');
      last = switched!.name;
    }
    await waitFor(
      async () => {
        const [stat] = await source.cluster.sql<{ last: string | null }>(
          'select last_archived_wal as last from pg_stat_archiver',
        );
        return (stat?.last ?? '') >= last;
      },
      { what: 'archiving' },
    );
    await source.cluster.stop('immediate');
    await stopArchiver(spool, ctx.signal);
    segments = readdirSync(objectOf(repository.location, ''))
      .filter((name) => /^[0-9A-F]{24}$/.test(name))
      .sort();
  });
  afterAll(async () => {
    await source[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  test('recovers everything that was archived, with and without fetching ahead', async () => {
    expect(await recover('plain', restoreCommand(repository.location))).toMatchObject({ rows: committedRows });
    const spool = directory.join('get spool');
    expect(await recover('ahead', restoreCommand(repository.location, [], spool))).toMatchObject({
      rows: committedRows,
    });
    await stopPrefetcher(spool, ctx.signal);
  });

  const damages: Readonly<Record<string, (location: string, segment: string) => readonly string[]>> = {
    'is missing': (location, segment) => {
      rmSync(objectOf(location, segment));
      return [];
    },
    'is truncated': (location, segment) => {
      const path = objectOf(location, segment);
      const bytes = readFileSync(path);
      rmSync(path);
      writeFileSync(path, bytes.subarray(0, bytes.length / 2), { mode: 0o644 });
      return [];
    },
    'has a flipped bit': (location, segment) => {
      const path = objectOf(location, segment);
      const bytes = readFileSync(path);
      bytes[bytes.length >> 1]! ^= 4;
      rmSync(path);
      writeFileSync(path, bytes, { mode: 0o644 });
      return [];
    },
    'lies in a repository that is away': (location) => {
      renameSync(join(location, 'config'), join(location, 'config-away'));
      return [];
    },
    'can only be opened with another key': (location) => {
      const other = join(location, 'another-password');
      writeFileSync(other, 'not the password', { mode: 0o644 });
      return ['--password-file', other];
    },
    'takes too long to come': () => ['--timeout', '1ms'],
  };

  test.each(Object.entries(damages))('a segment in the middle %s: the server does not open', async (name, damage) => {
    const location = await copyOfArchive(name.replaceAll(' ', '-'));
    const middle = segments[segments.length - 3]!;
    const extra = damage(location, middle);
    for (const spool of [undefined, directory.join(`spool-${name.length}`)]) {
      const restored = `${name.replaceAll(' ', '-')}-${spool === undefined ? 'plain' : 'ahead'}`;
      const { rows, log } = await recover(restored, restoreCommand(location, extra, spool));
      expect(rows, log).toBe(undefined);
      expect(log).toContain('FATAL:  could not restore file');
      if (spool !== undefined) await stopPrefetcher(spool, ctx.signal).catch(() => undefined);
    }
  });

  test('the prefetcher is killed in the middle: recovery goes on', async () => {
    const spool = directory.join('killed');
    const command = restoreCommand(repository.location, [], spool);
    const recovering = recover('killed-prefetcher', command);
    const state = await waitFor(() => prefetcherState(spool, ctx.signal).catch(() => undefined), {
      what: 'start of the prefetcher',
    });
    process.kill(state.pid, 'SIGKILL');
    expect(await recovering).toMatchObject({ rows: committedRows });
    await stopPrefetcher(spool, ctx.signal);
  });
});
