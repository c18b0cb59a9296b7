/** OIDs of the two tablespaces that every cluster has: `base/` and `global/`. */
export const defaultTablespaceOid = 1663;
export const globalTablespaceOid = 1664;

export type RelationFork = 'main' | 'fsm' | 'vm' | 'init';

/** A file that belongs to a table, an index, a sequence or a TOAST table, told by its path alone. */
export interface RelationFile {
  readonly tablespaceOid: number;
  /** 0 for relations shared by all databases (`global/`). */
  readonly databaseOid: number;
  /** Number of the file, not the relation's OID; TRUNCATE, VACUUM FULL and REINDEX give it a new one. */
  readonly fileNumber: number;
  readonly fork: RelationFork;
  /** Files beyond the first of a large relation are numbered from 1. */
  readonly segment: number;
  /** Of a temporary table: dies with its session, never part of a backup. */
  readonly temporary: boolean;
}

const placePattern = /^(?:base\/(\d+)|global|pg_tblspc\/(\d+)\/PG_\d+_\d+\/(\d+))\/([^/]+)$/;
const namePattern = /^(t\d+_)?([1-9]\d{0,9})(?:_(fsm|vm|init))?(?:\.([1-9]\d{0,9}))?$/;

/** Classifies a path relative to the data directory; undefined for anything that is not a relation's file. */
export function parseRelationPath(path: string): RelationFile | undefined {
  const [place, baseDatabase, tablespace, spaceDatabase, name = ''] = placePattern.exec(path) ?? [];
  if (place === undefined) return undefined;
  const shared = baseDatabase === undefined && tablespace === undefined;
  const parsed = parseRelationName(name);
  if (parsed === undefined || (parsed.temporary && shared)) return undefined;
  return {
    tablespaceOid: shared ? globalTablespaceOid : Number(tablespace ?? defaultTablespaceOid),
    databaseOid: Number(baseDatabase ?? spaceDatabase ?? 0),
    ...parsed,
  };
}

/**
 * File numbers of the unlogged relations among the names in one database directory: those with an `_init` fork. Their
 * other forks are reset to it by recovery, so that a backup leaves them out.
 */
export function unloggedFileNumbers(names: Iterable<string>): Set<number> {
  const found = new Set<number>();
  for (const name of names) {
    const parsed = parseRelationName(name);
    if (parsed?.fork === 'init' && !parsed.temporary) found.add(parsed.fileNumber);
  }
  return found;
}

/** True for the contents of an unlogged relation, given what `unloggedFileNumbers` says of the same directory. */
export function isUnloggedContent(file: RelationFile, unlogged: ReadonlySet<number>): boolean {
  return file.fork !== 'init' && unlogged.has(file.fileNumber);
}

function parseRelationName(name: string): Omit<RelationFile, 'tablespaceOid' | 'databaseOid'> | undefined {
  const [match, session, digits, fork, segment] = namePattern.exec(name) ?? [];
  const fileNumber = Number(digits);
  if (match === undefined || fileNumber > 0xffff_ffff) return undefined;
  return {
    fileNumber,
    fork: (fork as RelationFork | undefined) ?? 'main',
    segment: Number(segment ?? 0),
    temporary: session !== undefined,
  };
}
