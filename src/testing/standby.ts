import { execFile } from 'node:child_process';
import { mkdir, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Cluster, type Settings, giveToServer } from './postgresServer.ts';
import { tempDir } from './tempDir.ts';

const run = promisify(execFile);

export interface StandbyOptions {
  /** Its application_name, for synchronous_standby_names; also names its slot. Default `standby`. */
  readonly name?: string;
  readonly settings?: Settings;
}

/**
 * Makes a streaming hot standby of a running primary, with a physical slot, and starts it.
 * The copy is PostgreSQL's low-level backup done with tar, so that it works for every major without client programs.
 */
export async function makeStandby(primary: Cluster, options: StandbyOptions = {}): Promise<Cluster> {
  const name = options.name ?? 'standby';
  const directory = await tempDir({ owner: 'server' });
  const standby = await Cluster.place(directory, directory.join('data'), {
    major: primary.major,
    commandLine: {},
    tcp: false,
  });
  try {
    await primary.sql('select pg_create_physical_replication_slot($1, true)', [name]);
    await copyRunningCluster(primary, standby.dataDirectory);
    await moveTablespaces(standby);
    await writeFile(join(standby.dataDirectory, 'standby.signal'), '');
    await standby.configure({
      primary_conninfo: `${primary.connectionString} application_name=${name}`,
      primary_slot_name: name,
      ...options.settings,
    });
    await standby.start();
    return standby;
  } catch (error) {
    await standby[Symbol.asyncDispose]();
    throw error;
  }
}

async function copyRunningCluster(primary: Cluster, destination: string): Promise<void> {
  const old = primary.major < 15;
  await using session = await primary.connect();
  await session.query(old ? "select pg_start_backup('copy', true, false)" : "select pg_backup_start('copy', true)");
  await mkdir(destination, { mode: 0o700 });
  await giveToServer(destination);
  // tar's status 1: a file changed or vanished meanwhile, as files of a running server do
  const script =
    'tar -C "$1" "${@:3}" -cf - . | tar -C "$2" -xpf -; s=("${PIPESTATUS[@]}"); ((s[0] <= 1 && s[1] == 0))';
  const excluded = ['postmaster.*', 'pg_wal/*', 'pg_replslot/*'].map((pattern) => `--exclude=./${pattern}`);
  await run('bash', ['-c', script, 'copy', primary.dataDirectory, destination, '--ignore-failed-read', ...excluded]);
  const stop = old ? 'pg_stop_backup(false, false)' : 'pg_backup_stop(false)';
  const { rows } = await session.query<{ labelfile: string }>(`select labelfile from ${stop}`);
  const label = join(destination, 'backup_label');
  await writeFile(label, rows[0]?.labelfile ?? '');
  await giveToServer(label);
}

/** The copied links still point into the primary's tablespaces. */
async function moveTablespaces(standby: Cluster): Promise<void> {
  const links = join(standby.dataDirectory, 'pg_tblspc');
  for (const entry of await readdir(links, { withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const link = join(links, entry.name);
    const location = join(standby.directory, `tablespace-${entry.name}`);
    await run('cp', ['-a', await readlink(link), location]);
    await rm(link);
    await symlink(location, link);
  }
}
