import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { parseSystemIdentifier, type SystemIdentifier } from '../postgres/systemIdentifier.ts';
import { parseWalFileName } from '../postgres/walFileName.ts';
import { createCluster, giveToServer, type Cluster } from '../testing/postgresServer.ts';
import { postgresMajors } from '../testing/postgresBinaries.ts';
import { tempDir, type TempDir } from '../testing/tempDir.ts';
import { waitFor } from '../testing/waitFor.ts';
import { createServerRepository, program, runAsServer, type ServerRepository } from './fixture/walCommands.ts';
import { composeArchiveCommand } from './shellCommand.ts';
import { WalArchive } from './walArchive.ts';
import { archiverState, stopArchiver } from './walPushRequest.ts';

const ctx = createContext();
let directory: TempDir;

beforeAll(async () => {
  directory = await tempDir({ owner: 'server' });
});
afterAll(() => directory[Symbol.asyncDispose]());

async function createArchivingCluster(
  major: (typeof postgresMajors)[number],
  { spool, commonArguments }: ServerRepository,
): Promise<Cluster> {
  return createCluster({
    major,
    initdbArguments: ['--wal-segsize=1'],
    settings: {
      archive_mode: 'on',
      archive_command: composeArchiveCommand({ program, commonArguments, spool }),
      wal_keep_size: '512MB',
      max_wal_size: '1GB',
    },
  });
}

/** Writes about `megabytes` of WAL in several sessions at once. */
async function writeWal(cluster: Cluster, megabytes: number): Promise<void> {
  await cluster.sql('create table if not exists filler (id bigint, text text)');
  const statement = `insert into filler select g, repeat(md5(g::text), 8) from generate_series(1, ${megabytes * 800}) g`;
  await Promise.all(Array.from({ length: 3 }, () => cluster.sql(statement)));
}

async function archivedThrough(cluster: Cluster): Promise<string> {
  const [row] = await cluster.sql<{ name: string }>('select pg_walfile_name(pg_switch_wal()) as name');
  const name = row!.name;
  await waitFor(
    async () => {
      const [stat] = await cluster.sql<{ last: string | null }>(
        'select last_archived_wal as last from pg_stat_archiver',
      );
      return (stat?.last ?? '') >= name;
    },
    { what: `archiving of ${name}`, timeoutMs: 120_000 },
  );
  return name;
}

async function identifierOf(cluster: Cluster): Promise<SystemIdentifier> {
  const [row] = await cluster.sql<{ id: string }>('select system_identifier::text as id from pg_control_system()');
  return parseSystemIdentifier(row!.id);
}

/** Compares every file that the server takes for archived with the archive. */
async function expectAllArchived(cluster: Cluster, archive: WalArchive): Promise<number> {
  const walDirectory = join(cluster.dataDirectory, 'pg_wal');
  const done = readdirSync(join(walDirectory, 'archive_status')).filter((name) => name.endsWith('.done'));
  let compared = 0;
  for (const name of done.map((status) => status.slice(0, -'.done'.length))) {
    const file = parseWalFileName(name);
    if (file === undefined || !existsSync(join(walDirectory, name))) continue;
    const { content } = await archive.get(ctx, file);
    expect(content.equals(readFileSync(join(walDirectory, name))), name).toBe(true);
    compared++;
  }
  return compared;
}

describe.each(postgresMajors)('PostgreSQL %i', (major) => {
  test('archives everything under load, also when the archiver is killed meanwhile', async () => {
    const repository = await createServerRepository(await directoryFor(`load-${major}`));
    await using cluster = await createArchivingCluster(major, repository);
    await writeWal(cluster, 10);
    const killed = await waitFor(() => archiverState(repository.spool, ctx.signal).catch(() => undefined), {
      what: 'start of the archiver',
    });
    process.kill(killed.pid, 'SIGKILL');
    await writeWal(cluster, 10);
    await archivedThrough(cluster);
    const archive = WalArchive.of(await repository.open(), await identifierOf(cluster));
    expect(await expectAllArchived(cluster, archive)).toBeGreaterThan(15);
    await cluster.stop();
    await stopArchiver(repository.spool, ctx.signal);
  });
});

async function directoryFor(name: string): Promise<string> {
  const path = directory.join(name);
  mkdirSync(path);
  await giveToServer(path);
  return path;
}

test('a copy of a cluster that goes its own way on the same timeline is refused, and its archiver told so', async () => {
  const repository = await createServerRepository(await directoryFor('conflict'));
  await using cluster = await createArchivingCluster(15, repository);
  await writeWal(cluster, 2);
  const name = await archivedThrough(cluster);
  const path = join(cluster.dataDirectory, 'pg_wal', name);
  await cluster.stop();
  await stopArchiver(repository.spool, ctx.signal);
  const push = () => runAsServer(['wal', 'push', ...repository.commonArguments, path], cluster.dataDirectory);
  expect(push()).toMatchObject({ status: 0, stderr: '' });
  const content = readFileSync(path);
  content[content.length >> 1]! ^= 1;
  writeFileSync(path, content);
  const refused = push();
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('different content');
});

test('a second cluster is refused until it is named', async () => {
  const repository = await createServerRepository(await directoryFor('second'));
  await using first = await createArchivingCluster(15, repository);
  await writeWal(first, 1);
  await archivedThrough(first);
  await first.stop();
  await stopArchiver(repository.spool, ctx.signal);
  await using second = await createCluster({ major: 15, initdbArguments: ['--wal-segsize=1'] });
  await writeWal(second, 1);
  const name = readdirSync(join(second.dataDirectory, 'pg_wal')).find((entry) => /^[0-9A-F]{24}$/.test(entry))!;
  const words = ['wal', 'push', ...repository.commonArguments, `pg_wal/${name}`];
  const refused = runAsServer(words, second.dataDirectory);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('archives the WAL of cluster');
  const identifier = String(await identifierOf(second));
  expect(runAsServer([...words, '--cluster', identifier], second.dataDirectory)).toMatchObject({
    status: 0,
    stderr: '',
  });
  const wrong = runAsServer([...words, '--cluster', '123456789'], second.dataDirectory);
  expect(wrong.status).toBe(1);
  expect(wrong.stderr).toContain('and not to 123456789');
});
