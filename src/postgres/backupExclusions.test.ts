import { expect, test } from 'vitest';
import { backupInclusion, emptyDirectories } from './backupExclusions.ts';

test.each([
  'PG_VERSION',
  'postgresql.auto.conf',
  'current_logfiles',
  'global/pg_control',
  'global/1262',
  'base/5/16384_init',
  'base/5/pg_filenode.map',
  'base/5/backup_label',
  'log/postgresql.log',
  'pg_xact/0000',
  'pg_logical/replorigin_checkpoint',
  'pg_stat/pgstat.stat',
  'pg_tblspc',
  'pg_tblspc/16384',
  'pg_tblspc/16384/PG_15_202209061',
  'pg_tblspc/16384/PG_15_202209061/5/16390',
  'extension/pg_wal/file',
  'pg_walnut',
])('%s is included', (path) => {
  expect(backupInclusion(path, 15)).toBe('include');
});

test.each([
  'postmaster.pid',
  'backup_label',
  'backup_label.old',
  'tablespace_map',
  'backup_manifest',
  'recovery.signal',
  'standby.signal',
  'pg_replslot/slot/state',
  'pg_wal/000000010000000000000001',
  'pg_wal/archive_status/000000010000000000000001.done',
  'pg_wal/summaries',
  'global/pg_internal.init',
  'base/5/pg_internal.init.4711',
  'base/pgsql_tmp',
  'base/pgsql_tmp/pgsql_tmp4711.0',
  'base/5/t3_16385',
  'base/5/t3_16385_vm.1',
  'pg_tblspc/16384/PG_15_202209061/5/t12_16390',
  'pg_tblspc/16384/PG_15_202209061/pgsql_tmp',
  'pg_tblspc/16384/PG_14_202107181',
  'pg_tblspc/16384/PG_14_202107181/5/16390',
])('%s is excluded', (path) => {
  expect(backupInclusion(path, 15)).toBe('exclude');
});

test('directories that the server needs are kept empty', () => {
  for (const path of emptyDirectories(17)) expect(backupInclusion(path, 17)).toBe('empty-directory');
  expect(emptyDirectories(17)).toContain('pg_wal/summaries');
  expect(emptyDirectories(16)).not.toContain('pg_wal/summaries');
});
