import { join } from 'node:path';
import { versionFacts } from '../../../src/postgres/version.ts';
import type { Command } from '../command.ts';
import type { CaseName } from '../options.ts';
import type { Work } from '../measure.ts';
import type { BackupTool, Subject } from './backupTool.ts';

/** What is not part of a backup of a running cluster, under the data directory. */
const excluded = ['pg_wal/*', 'pg_replslot/*', 'pg_stat_tmp/*', 'pg_notify/*', 'pg_subtrans/*', 'postmaster.*'];

/** restic on the data directory, between pg_backup_start and pg_backup_stop; a restore ends with a sync. */
export function restic(
  subject: Subject,
  options: { readonly name: string; readonly cases: readonly CaseName[] },
): BackupTool {
  const { workspace, cluster, run } = subject;
  const repository = workspace.join('restic', 'repository');
  const environment = {
    RESTIC_REPOSITORY: repository,
    RESTIC_PASSWORD: 'bench',
    RESTIC_CACHE_DIR: workspace.join('restic', 'cache'),
  };
  const command = (...words: readonly string[]): Command => ({ words: ['restic', '--quiet', ...words], environment });
  const patterns = excluded.map((pattern) => `--exclude=${join(cluster.dataDirectory, pattern)}`);
  const backup = betweenStartAndStop(cluster, command('backup', '--host=bench', ...patterns, cluster.dataDirectory));
  return {
    ...options,
    repository,
    async createRepository() {
      await workspace.emptyDirectory('restic');
      await run(command('init', '--repository-version=2'));
    },
    fullBackup: backup,
    nextBackup: backup,
    restore: (destination) => async (measured) => {
      await measured(command('restore', 'latest', `--target=${destination}`));
      await measured({ words: ['sync', '-f', destination] });
    },
    restoredIn: (destination) => join(destination, cluster.dataDirectory),
    verify: async (measured) => void (await measured(command('check', '--read-data'))),
  };
}

/** The least that has to stand around a copy of files; it costs no process. */
export function betweenStartAndStop(cluster: Subject['cluster'], copy: Command): Work {
  return async (measured) => {
    const { beginBackupSql, endBackupSql } = versionFacts(cluster.major);
    await using session = await cluster.connect();
    await session.query(beginBackupSql, ['bench', true]);
    await measured(copy);
    await session.query(endBackupSql, [false]);
  };
}
