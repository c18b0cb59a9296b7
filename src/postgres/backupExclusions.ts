import { parseRelationPath } from './relationFile.ts';
import { tablespaceVersionDirectory, versionFacts, type PostgresMajor } from './version.ts';

/**
 * - `include`: part of the backup (a directory: look into it);
 * - `empty-directory`: a directory that must exist after a restore, whose contents the server makes anew. It may be a
 *   symbolic link at the source;
 * - `exclude`: left out.
 */
export type BackupInclusion = 'include' | 'empty-directory' | 'exclude';

const emptiedDirectories = [
  'pg_dynshmem',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
  'pg_wal',
];

/**
 * Files at the top of the data directory that belong to the running server, to its restart, or to the backup from which
 * it was restored once. The signal files say how *this* server recovers; a restore writes its own.
 */
const excludedTopFiles = new Set([
  'backup_label',
  'backup_label.old',
  'backup_manifest',
  'current_logfiles.tmp',
  'postgresql.auto.conf.tmp',
  'postmaster.opts',
  'postmaster.pid',
  'recovery.signal',
  'standby.signal',
  'tablespace_map',
  'tablespace_map.old',
]);

/** Temporary files of queries, and the relation cache, which each server builds for itself. In any directory. */
const excludedPrefixes = ['pgsql_tmp', 'pg_internal.init'];

/**
 * Decides for a path relative to the data directory (with slashes, no trailing one) whether a base backup has it, as
 * BASE_BACKUP does and in addition without signal files and leftovers named `.old`. It decides by path alone: the
 * contents of unlogged relations are told by their directory (relationFile.ts). WAL from pg_wal is added by the backup.
 */
export function backupInclusion(path: string, major: PostgresMajor): BackupInclusion {
  if (emptyDirectories(major).includes(path)) return 'empty-directory';
  const names = path.split('/');
  const [top = '', tablespace, versionDirectory] = names;
  if (emptiedDirectories.includes(top)) return 'exclude';
  if (names.length === 1 && excludedTopFiles.has(top)) return 'exclude';
  if (names.some((name) => excludedPrefixes.some((prefix) => name.startsWith(prefix)))) return 'exclude';
  if (top === 'pg_tblspc' && tablespace !== undefined && versionDirectory !== undefined) {
    // a tablespace may be shared with clusters of other versions, e.g. after pg_upgrade
    if (versionDirectory !== tablespaceVersionDirectory(major)) return 'exclude';
  }
  return parseRelationPath(path)?.temporary === true ? 'exclude' : 'include';
}

/** Every directory that must be in a restored data directory although the backup has nothing in it. */
export function emptyDirectories(major: PostgresMajor): readonly string[] {
  const inWal = versionFacts(major).walSummaries ? ['archive_status', 'summaries'] : ['archive_status'];
  return [...emptiedDirectories, ...inWal.map((name) => `pg_wal/${name}`)];
}
