import { rmSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createCluster } from '../testing/postgresServer.ts';
import { tempDir } from '../testing/tempDir.ts';
import { waitFor } from '../testing/waitFor.ts';
import { createServerRepository, program, runAsServer } from './fixture/walCommands.ts';
import { composeArchiveCommand } from './shellCommand.ts';

interface StatusObject {
  readonly message_type: string;
  readonly ranges: readonly { readonly segments: number }[];
  readonly gaps: readonly { readonly first: string }[];
  readonly newest: { readonly lsn: string };
  readonly backup_needed: boolean;
  readonly lag_bytes: number;
  readonly server: {
    readonly archive_mode: string;
    readonly waiting_files: number;
    readonly slots: readonly unknown[];
  };
}

test('status tells ranges, lag, archiver and slots of a live server, and a gap with status 1', async () => {
  await using directory = await tempDir({ owner: 'server' });
  const repository = await createServerRepository(directory.path);
  const { commonArguments } = repository;
  await using cluster = await createCluster({
    major: 15,
    initdbArguments: ['--wal-segsize=1'],
    settings: { archive_mode: 'on', archive_command: composeArchiveCommand({ program, commonArguments }) },
  });
  await cluster.sql(`select pg_create_physical_replication_slot('other', true)`);
  for (let count = 0; count < 3; count++) await cluster.sql(`create table t${count} (); select pg_switch_wal()`);
  const archived = async () => {
    const [row] = await cluster.sql<{ count: number }>('select archived_count::int as count from pg_stat_archiver');
    return row!.count >= 3;
  };
  await waitFor(archived, { what: 'archiving' });
  const { host, port, user, database } = cluster.connection;
  const server = ['--host', host, '--port', String(port), '--user', user, '--database', database];
  const status = () => {
    const { status: code, stdout } = runAsServer(['wal', 'status', '--json', ...commonArguments, ...server]);
    const lines = stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as StatusObject);
    return { code, archive: lines.find((line) => line.message_type === 'wal_archive')! };
  };
  const good = status();
  expect(good.code).toBe(0);
  expect(good.archive).toMatchObject({ gaps: [], backup_needed: false, ranges: [{ segments: 3 }] });
  expect(good.archive.server).toMatchObject({ archive_mode: 'on', waiting_files: 0 });
  expect(good.archive.server.slots).toMatchObject([{ name: 'other', active: false }]);
  expect(good.archive.lag_bytes).toBeLessThan(1024 * 1024);

  const wal = join(repository.location, 'wal');
  const timeline = join(wal, readdirSync(wal)[0]!, '00000001');
  const middle = readdirSync(timeline)
    .filter((name) => /^[0-9A-F]{24}$/.test(name))
    .sort()[1]!;
  rmSync(join(timeline, middle));
  const holed = status();
  expect(holed.code).toBe(1);
  expect(holed.archive).toMatchObject({ gaps: [{ first: middle, segments: 1 }], backup_needed: true });
  const forPeople = runAsServer(['wal', 'status', ...commonArguments, ...server]);
  expect(forPeople.stdout).toContain('missing  timeline 1');
  expect(forPeople.stderr).toContain('WAL is missing, and no base backup has been taken since');
});
