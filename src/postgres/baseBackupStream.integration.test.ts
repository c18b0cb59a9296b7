import { crc32c } from '@node-rs/crc32';
import { execFileSync } from 'node:child_process';
import { appendFileSync, closeSync, mkdirSync, openSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { type PostgresMajor, postgresMajors } from '../testing/postgresBinaries.ts';
import { type Cluster, createCluster, existingCluster, giveToServer } from '../testing/postgresServer.ts';
import { serverUser } from '../testing/serverUser.ts';
import { makeStandby } from '../testing/standby.ts';
import { type TempDir, tempDir } from '../testing/tempDir.ts';
import type { BaseBackupEvent, BaseBackupOptions, TarEntry } from './baseBackupEvents.ts';
import { startBaseBackup } from './baseBackupStream.ts';
import { formatLsn } from './lsn.ts';
import { openReplicationConnection } from './replicationConnection.ts';

const ctx = createContext();

interface ReceivedFile {
  readonly entry: TarEntry;
  readonly content: Buffer;
}

interface ReceivedBackup {
  readonly start: BaseBackupEvent & { kind: 'start' };
  readonly end: BaseBackupEvent & { kind: 'end' };
  /** By path as in the manifest: those of tablespaces below pg_tblspc/<oid>. */
  readonly files: ReadonlyMap<string, ReceivedFile>;
  readonly manifest: string;
  readonly notices: readonly string[];
  readonly archives: readonly (number | undefined)[];
}

async function receive(cluster: Cluster, options: Partial<BaseBackupOptions> = {}): Promise<ReceivedBackup> {
  await using connection = await openReplicationConnection(ctx, cluster.connection);
  const files = new Map<string, ReceivedFile>();
  const manifest: Buffer[] = [];
  const notices: string[] = [];
  const archives: (number | undefined)[] = [];
  const bounds: BaseBackupEvent[] = [];
  let open: { entry: TarEntry; parts: Buffer[] } | undefined;
  for await (const events of startBaseBackup(ctx, connection, { label: "test's", ...options })) {
    for (const event of events) {
      if (event.kind === 'start' || event.kind === 'end') bounds.push(event);
      else if (event.kind === 'archive') archives.push(event.tablespace.oid);
      else if (event.kind === 'entry') open = { entry: event.entry, parts: [] };
      else if (event.kind === 'data') open?.parts.push(Buffer.from(event.bytes));
      else if (event.kind === 'manifest') manifest.push(Buffer.from(event.bytes));
      else if (event.kind === 'notice') notices.push(event.notice.message);
      else if (event.kind === 'entry-end' && open !== undefined) {
        const { entry, parts } = open;
        const oid = archives.at(-1);
        const path = oid === undefined ? entry.name : `pg_tblspc/${oid}/${entry.name}`;
        files.set(path, { entry, content: Buffer.concat(parts) });
        expect(files.get(path)?.content.length).toBe(entry.sizeBytes);
      }
    }
  }
  const [start, end] = bounds;
  if (start?.kind !== 'start' || end?.kind !== 'end' || bounds.length !== 2) throw new Error('no start or no end');
  expect((await connection.identifySystem()).timeline).toBe(1);
  return { start, end, files, manifest: Buffer.concat(manifest).toString('utf8'), notices, archives };
}

interface Manifest {
  readonly 'Files': readonly { Path: string; Size: number; Checksum: string }[];
  readonly 'WAL-Ranges': readonly unknown[];
}

/** Every file that the manifest lists came, with this length and this checksum, and no other file did. */
function expectManifestToMatch(backup: ReceivedBackup): void {
  const manifest = JSON.parse(backup.manifest) as Manifest;
  const listed = new Map(manifest.Files.map(({ Path, Size, Checksum }) => [Path, [Size, Checksum]]));
  const received = new Map<string, readonly [number, string]>();
  for (const [path, { entry, content }] of backup.files) {
    const crc = Buffer.alloc(4);
    crc.writeUInt32LE(crc32c(content));
    if (entry.type === 'file') received.set(path, [content.length, crc.toString('hex')]);
  }
  expect(received).toEqual(listed);
  expect(manifest['WAL-Ranges']).toEqual([
    {
      'Timeline': 1,
      'Start-LSN': formatLsn(backup.start.lsn),
      'End-LSN': formatLsn(backup.end.lsn),
    },
  ]);
}

async function restore(backup: ReceivedBackup, source: Cluster, directory: TempDir): Promise<string> {
  const data = directory.join('data');
  mkdirSync(data, { mode: 0o700 });
  for (const [path, { entry, content }] of backup.files) {
    if (path.startsWith('pg_tblspc/')) continue;
    if (entry.type === 'directory') mkdirSync(join(data, path), { recursive: true, mode: entry.mode });
    else if (entry.type === 'symlink') symlinkSync(entry.linkTarget ?? '', join(data, path));
    else writeFileSync(join(data, path), content, { mode: entry.mode });
  }
  let map = '';
  for (const oid of backup.archives.filter((one) => one !== undefined)) {
    map += `${oid} ${directory.join(String(oid))}\n`;
    mkdirSync(directory.join(String(oid)));
    for (const [path, { entry, content }] of backup.files) {
      const inside = path.startsWith(`pg_tblspc/${oid}/`) ? directory.join(path.slice('pg_tblspc/'.length)) : undefined;
      if (inside === undefined) continue;
      if (entry.type === 'directory') mkdirSync(inside, { recursive: true });
      else writeFileSync(inside, content);
    }
  }
  writeFileSync(join(data, 'tablespace_map'), map);
  writeFileSync(join(data, 'recovery.signal'), '');
  const wal = join(source.dataDirectory, 'pg_wal');
  appendFileSync(join(data, 'postgresql.conf'), `restore_command = 'cp "${wal}/%f" "%p"'\n`);
  const user = serverUser();
  if (user !== undefined) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, directory.path]);
  return data;
}

async function fill(cluster: Cluster): Promise<void> {
  await cluster.sql('create table plain as select i, md5(i::text) as t from generate_series(1, 5000) as i');
  await cluster.sql('create table fast_one tablespace fast as select * from plain');
  await cluster.sql('create table slow_one tablespace slow as select * from plain');
  const many = join(cluster.dataDirectory, 'many');
  mkdirSync(many);
  for (let i = 0; i < 1000; i++) writeFileSync(join(many, `small${i}`), 'x'.repeat(i));
  execFileSync('chmod', ['-R', 'a+rX', many]);
  await giveToServer(many);
}

test.each(postgresMajors)('PostgreSQL %i: a backup with tablespaces and many files starts', async (major) => {
  await using cluster = await createCluster({ major, tablespaces: ['fast', 'slow'] });
  await fill(cluster);
  const backup = await receive(cluster);
  expect(backup.start.tablespaces.map(({ sizeKilobytes }) => (sizeKilobytes ?? 0) > 0)).toEqual([true, true, true]);
  expect(backup.archives).toEqual(backup.start.tablespaces.map(({ oid }) => oid));
  expect(backup.archives.at(-1)).toBeUndefined();
  expect(backup.start.tablespaces[0]?.location).toContain(cluster.directory);
  expect(backup.end.checksumsFailed).toBe(false);
  expect(backup.end.lsn).toBeGreaterThan(backup.start.lsn);
  expect(backup.files.get('backup_label')?.content.toString()).toContain("LABEL: test's\n");
  expect(backup.files.get('pg_wal')?.entry).toMatchObject({ type: 'directory', mode: 0o700 });
  expectManifestToMatch(backup);

  await using directory = await tempDir({ owner: 'server' });
  await using restored = await existingCluster({ major, dataDirectory: await restore(backup, cluster, directory) });
  await restored.start({ until: 'recovered' });
  const sums =
    'select (select count(*) from plain) + (select count(*) from fast_one) + (select count(*) from slow_one)';
  expect(await restored.sql(`${sums} as rows`)).toEqual([{ rows: '15000' }]);
});

test.each<PostgresMajor>([14, 16])('PostgreSQL %i: options are passed on', async (major) => {
  await using cluster = await createCluster({ major, settings: { log_replication_commands: true } });
  const backup = await receive(cluster, {
    manifest: false,
    progress: false,
    verifyChecksums: false,
    checkpoint: 'fast',
    maxRateKilobytesPerSecond: 1_000_000,
    waitForArchiving: true,
  });
  expect(backup.manifest).toBe('');
  expect(backup.start.tablespaces).toEqual([{ oid: undefined, location: undefined, sizeKilobytes: undefined }]);
  expect(backup.notices.join()).toContain('WAL archiving is not enabled');
  expect(await cluster.log()).toContain('MAX_RATE 1000000');
  expect((await receive(cluster)).notices).toEqual([]);
});

test.each<PostgresMajor>([13, 15, 18])('PostgreSQL %i: wrong page checksums are told, not thrown', async (major) => {
  await using cluster = await createCluster({ major });
  await cluster.sql('create table damaged as select i from generate_series(1, 10000) as i');
  await cluster.sql('checkpoint');
  const [row] = await cluster.sql<{ path: string }>("select pg_relation_filepath('damaged') as path");
  const file = openSync(join(cluster.dataDirectory, row?.path ?? ''), 'r+');
  writeSync(file, Buffer.from('damage'), 0, 6, 8192 + 5000);
  closeSync(file);
  const backup = await receive(cluster);
  expect(backup.end.checksumsFailed).toBe(true);
  expect(backup.notices.join('\n')).toMatch(/checksum verification failed in file ".*", block 1/);
  expectManifestToMatch(backup);
  expect((await receive(cluster, { verifyChecksums: false })).end.checksumsFailed).toBe(false);
});

test('a standby gives a base backup too', async () => {
  await using primary = await createCluster({ major: 16 });
  await using standby = await makeStandby(primary);
  const backup = await receive(standby);
  expect(backup.files.get('backup_label')?.content.toString()).toContain('BACKUP FROM: standby');
  expectManifestToMatch(backup);
});

test('a backup whose connection is cut throws', async () => {
  await using cluster = await createCluster();
  await using connection = await openReplicationConnection(ctx, { ...cluster.connection, applicationName: 'cut' });
  const reading = async (): Promise<void> => {
    for await (const [first] of startBaseBackup(ctx, connection, { label: 'cut', maxRateKilobytesPerSecond: 1024 })) {
      if (first?.kind !== 'start') continue;
      await cluster.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cut'");
    }
  };
  await expect(reading()).rejects.toMatchObject({ code: 'postgres-unreachable', detail: { sqlstate: '57P01' } });
});

test('a backup that is left, and one that is aborted, cut the connection', async () => {
  await using cluster = await createCluster();
  await using left = await openReplicationConnection(ctx, cluster.connection);
  for await (const events of startBaseBackup(ctx, left, { label: 'left' })) if (events.length > 0) break;
  await expect(left.identifySystem()).rejects.toMatchObject({ code: 'backup-aborted' });

  const controller = new AbortController();
  await using aborted = await openReplicationConnection(ctx, cluster.connection);
  const reading = async (): Promise<void> => {
    for await (const _ of startBaseBackup({ ...ctx, signal: controller.signal }, aborted, { label: 'aborted' })) {
      controller.abort(new Error('no longer wanted'));
    }
  };
  await expect(reading()).rejects.toThrow('no longer wanted');
});

test('a role that may not replicate is told so', async () => {
  await using cluster = await createCluster();
  await cluster.sql('create role nobody login');
  const opening = openReplicationConnection(ctx, { ...cluster.connection, user: 'nobody' });
  await expect(opening).rejects.toMatchObject({ code: 'postgres-denied', hint: /REPLICATION/ });
});
