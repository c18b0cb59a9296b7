// needs PostgreSQL's client programs
import { readdirSync, readFileSync, statSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backupInclusion, emptyDirectories } from './backupExclusions.ts';
import { Scratch, systemBinaries } from './fixture/cluster.ts';
import { RunningServer } from './fixture/server.ts';
import { parseBackupManifest } from './parseBackupManifest.ts';
import { isUnloggedContent, parseRelationPath, unloggedFileNumbers } from './relationFile.ts';

/** Regular files that a backup of this data directory has, as paths relative to it. */
function planFiles(dataDirectory: string, path = ''): string[] {
  const entries: Dirent[] = readdirSync(join(dataDirectory, path), { withFileTypes: true });
  const unlogged = unloggedFileNumbers(entries.map(({ name }) => name));
  return entries.flatMap(({ name }) => {
    const child = join(path, name);
    if (backupInclusion(child, 15) !== 'include') return [];
    if (statSync(join(dataDirectory, child)).isDirectory()) return planFiles(dataDirectory, child);
    const relation = parseRelationPath(child);
    return relation !== undefined && isUnloggedContent(relation, unlogged) ? [] : [child];
  });
}

const litter = [
  'backup_manifest',
  'base/1/pg_internal.init.77',
  'base/1/t3_99999',
  'base/1/t3_99999_fsm',
  'base/pgsql_tmp/pgsql_tmp77.0',
  'current_logfiles.tmp',
  'pg_replslot/litter',
  'pg_stat_tmp/litter',
  'pg_tblspc_litter',
  'postgresql.auto.conf.tmp',
];

test('we include what pg_basebackup includes, except files that would make a restored server a standby', () => {
  using scratch = new Scratch();
  const dataDirectory = scratch.initdb(systemBinaries, 'data');
  scratch.run('mkdir', ['space', 'data/base/pgsql_tmp']);
  using server = new RunningServer(scratch, dataDirectory);
  server.sql(`CREATE TABLESPACE elsewhere LOCATION '${join(scratch.path, 'space')}'`);
  server.sql('CREATE TABLE kept TABLESPACE elsewhere AS SELECT generate_series(1, 10000) AS n');
  server.sql('CREATE UNLOGGED TABLE lost (n int PRIMARY KEY); INSERT INTO lost SELECT generate_series(1, 10000)');
  server.sql('CREATE UNLOGGED TABLE lost2 TABLESPACE elsewhere AS SELECT 1 AS n');
  server.sql('VACUUM kept');
  server.sql('CHECKPOINT');
  for (const path of [...litter, 'standby.signal', 'recovery.signal']) scratch.run('touch', [join('data', path)]);
  const mapping = `${join(scratch.path, 'space')}=${join(scratch.path, 'mapped')}`;
  server.run('pg_basebackup', ['-D', join(scratch.path, 'backup'), '-X', 'none', '-c', 'fast', '-T', mapping]);
  const manifest = parseBackupManifest(readFileSync(join(scratch.path, 'backup', 'backup_manifest')));
  const added = new Set(['backup_label', 'tablespace_map']);
  const theirs = [...manifest.files()].map(({ path }) => String(path)).filter((path) => !added.has(path));
  const signals = ['recovery.signal', 'standby.signal'];
  expect(planFiles(dataDirectory).toSorted()).toEqual(theirs.filter((path) => !signals.includes(path)).toSorted());
  expect(theirs).toEqual(expect.arrayContaining([...signals, 'pg_tblspc_litter']));
  for (const path of emptyDirectories(15)) {
    const contents = readdirSync(join(scratch.path, 'backup', path));
    expect(contents, path).toEqual(path === 'pg_wal' ? ['archive_status'] : []);
  }
});
