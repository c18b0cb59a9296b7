import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { postgresMajors, type PostgresMajor } from '../testing/postgresBinaries.ts';
import { createCluster } from '../testing/postgresServer.ts';
import { processesIn } from '../testing/processes.ts';
import { serverUser } from '../testing/serverUser.ts';
import { waitFor } from '../testing/waitFor.ts';
import { createArchivedCluster, type ArchivedCluster } from '../testing/archivedCluster.ts';
import { reachableInstallation, requireInstallation, type Installation } from './installations.ts';
import { createScratchDirectory, type ScratchDirectory } from './scratchDirectory.ts';
import { startServer, type RecoveryProgress, type ServerProcess } from './serverProcess.ts';
import { openSqlConnection } from './sqlConnection.ts';

const ctx = createContext();

async function installationFor(major: PostgresMajor, scratch: ScratchDirectory): Promise<Installation> {
  const installation = await requireInstallation(ctx, major);
  return reachableInstallation(ctx, installation, { user: serverUser(), directory: scratch.path });
}

interface StartOptions {
  readonly major: PostgresMajor;
  readonly dataDirectory: string;
  readonly scratch: ScratchDirectory;
  readonly settings?: Record<string, string>;
}

async function start({ major, dataDirectory, scratch, settings }: StartOptions): Promise<ServerProcess> {
  return startServer(ctx, {
    installation: await installationFor(major, scratch),
    dataDirectory,
    runDirectory: join(scratch.path, `run${readdirSync(scratch.path).length}`),
    user: serverUser(),
    settings: { fsync: 'off', shared_buffers: '16MB', archive_mode: 'off', ...settings },
  });
}

async function rows(server: ServerProcess): Promise<unknown[]> {
  await using connection = await openSqlConnection(ctx, server.connection);
  return (await connection.query<{ id: number }>('SELECT id FROM public.kept ORDER BY id')).map(({ id }) => id);
}

function restoreCommand({ archive }: ArchivedCluster): Record<string, string> {
  return { restore_command: `cp ${archive}/%f %p` };
}

test.each(postgresMajors)(
  'PostgreSQL %i recovers to the end of its WAL, to a target, and not past it',
  async (major) => {
    await using source = await createArchivedCluster(major);
    await using scratch = await createScratchDirectory('/tmp');
    const { cluster } = source;
    await cluster.sql('insert into kept values (2)');
    const [target] = await cluster.sql<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn');
    await cluster.sql('insert into kept values (3)');
    await cluster.sql('select pg_switch_wal(); checkpoint');
    await cluster.stop();

    const common = { major, scratch };
    const progress: RecoveryProgress[] = [];
    {
      const dataDirectory = await source.restore('to-end');
      await using server = await start({ ...common, dataDirectory, settings: restoreCommand(source) });
      const end = await server.waitForRecovery(ctx, (step) => progress.push(step));
      expect(end).toMatchObject({ outcome: 'ended', timeline: 2, stoppedAt: undefined });
      expect(end.consistentAt).toBeGreaterThan(0n);
      expect(end.lastCommit).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/);
      expect(progress.at(-1)).toMatchObject({ consistent: true });
      expect(progress.at(-1)?.restoredFile).toMatch(/^[0-9A-F]{24}$|\.history$/);
      expect(await rows(server)).toEqual([1, 2, 3]);
      expect(await server.stop('fast')).toBe(0);
      expect(processesIn(dataDirectory)).toEqual([]);
    }
    {
      const dataDirectory = await source.restore('to-target');
      const settings = { ...restoreCommand(source), recovery_target_lsn: target?.lsn ?? '' };
      await using server = await start({ ...common, dataDirectory, settings });
      const end = await server.waitForRecovery(ctx);
      expect(end).toMatchObject({ outcome: 'paused', timeline: 1 });
      expect(end.stoppedAt).toContain('WAL location (LSN)');
      expect(await rows(server)).toEqual([1, 2]);
    }
    {
      const dataDirectory = await source.restore('past-the-end');
      const settings = { ...restoreCommand(source), recovery_target_lsn: 'F0/0' };
      await using server = await start({ ...common, dataDirectory, settings });
      await expect(server.waitForRecovery(ctx)).rejects.toMatchObject({
        code: 'target-outside-window',
        message: 'PostgreSQL stopped: recovery ended before configured recovery target was reached',
      });
    }
  },
);

test.each(postgresMajors)('PostgreSQL %i says when its limits are too low to recover', async (major) => {
  await using source = await createArchivedCluster(major, { max_connections: 50, max_locks_per_transaction: 200 });
  await using scratch = await createScratchDirectory('/tmp');
  const dataDirectory = await source.restore('too-low');
  const settings = { ...restoreCommand(source), max_connections: '20' };
  await using server = await start({ major, scratch, dataDirectory, settings });
  const message = await server.waitForRecovery(ctx).then(
    () => 'recovered',
    (error: Error) => error.message,
  );
  expect(message).toMatch(/^(PostgreSQL stopped|recovery paused): (hot standby is not possible|recovery aborted)/);
});

test('a server that cannot start says why in its own words', async () => {
  await using cluster = await createCluster({ start: false });
  await using scratch = await createScratchDirectory('/tmp');
  const dataDirectory = cluster.dataDirectory;
  {
    await using server = await start({ major: 15, scratch, dataDirectory, settings: { shared_buffers: 'much' } });
    await expect(server.waitUntilAccepting(ctx)).rejects.toMatchObject({
      code: 'postgres-program',
      message: 'PostgreSQL stopped: invalid value for parameter "shared_buffers": "much"',
    });
  }
  await using server = await start({ major: 16, scratch, dataDirectory });
  await expect(server.waitUntilAccepting(ctx)).rejects.toMatchObject({
    message: 'PostgreSQL stopped: database files are incompatible with server',
    hint: expect.stringContaining('initialized by PostgreSQL version 15'),
  });
});

test('a stale postmaster.pid and the configuration of the cluster do not matter', async () => {
  await using cluster = await createCluster({ start: false });
  await using scratch = await createScratchDirectory('/tmp');
  const { dataDirectory } = cluster;
  await cluster.configure({ port: 'nonsense' });
  await writeFile(
    join(dataDirectory, 'postgresql.auto.conf'),
    `log_line_prefix = 'x'\nlisten_addresses = '127.0.0.1'\n`,
  );
  await using server = await start({ major: 15, scratch, dataDirectory });
  await server.waitUntilAccepting(ctx);
  await using connection = await openSqlConnection(ctx, server.connection);
  expect(await connection.query('SHOW listen_addresses')).toEqual([{ listen_addresses: '' }]);
  expect(existsSync(join(server.connection.host, '.s.PGSQL.5432'))).toBe(true);
});

test('waiting ends when the context is aborted', async () => {
  await using source = await createArchivedCluster(15);
  await using scratch = await createScratchDirectory('/tmp');
  const dataDirectory = await source.restore('waits');
  const settings = { restore_command: 'sleep 600' };
  await using server = await start({ major: 15, scratch, dataDirectory, settings });
  const abort = new AbortController();
  const waiting = server.waitForRecovery(createContext({ signal: abort.signal }));
  abort.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});

test('nothing of a killed server stays, not even a restore_command that hangs', async () => {
  await using source = await createArchivedCluster(15);
  await using scratch = await createScratchDirectory('/tmp');
  const dataDirectory = await source.restore('hangs');
  const settings = { restore_command: 'sleep 600' };
  await using server = await start({ major: 15, scratch, dataDirectory, settings });
  const hanging = () => processesIn(dataDirectory).some(({ command }) => command === 'sleep 600');
  await waitFor(hanging, { what: 'a restore_command' });
  process.kill(server.pid, 'SIGKILL');
  expect(await server.stop('immediate')).toBe(137);
  expect(processesIn(dataDirectory)).toEqual([]);
});

test('a socket path that is too long is refused', async () => {
  await using cluster = await createCluster({ start: false });
  await using scratch = await createScratchDirectory('/tmp');
  const runDirectory = join(scratch.path, 'x'.repeat(100));
  const installation = await installationFor(15, scratch);
  const started = startServer(ctx, {
    installation,
    dataDirectory: cluster.dataDirectory,
    runDirectory,
    user: serverUser(),
  });
  await expect(started).rejects.toMatchObject({ code: 'usage' });
});
