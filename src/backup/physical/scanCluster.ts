import { lstatSync, readdirSync, statSync, type BigIntStats, type Dirent } from 'node:fs';
import { loadAccountNames, type AccountNames } from '../../archiver/accountNames.ts';
import { nodeFromStat } from '../../archiver/statNode.ts';
import { OperationError, systemErrorCode } from '../../base/errors.ts';
import { backupInclusion, emptyDirectories } from '../../postgres/backupExclusions.ts';
import {
  isUnloggedContent,
  parseRelationPath,
  unloggedFileNumbers,
  type RelationFile,
} from '../../postgres/relationFile.ts';
import type { PostgresMajor } from '../../postgres/version.ts';
import type { NodeAttributes } from '../sourceSnapshot.ts';
import type { ClusterDirectory } from './clusterTree.ts';

/** A file found in the data directory. */
export interface ScannedFile {
  /** Relative to the data directory, raw bytes as latin1 text. */
  readonly path: string;
  readonly absolutePath: Buffer;
  readonly stat: BigIntStats;
  readonly attributes: NodeAttributes;
  /** Undefined for a file that holds no relation. */
  readonly relation: RelationFile | undefined;
}

export interface ClusterScan {
  readonly directories: readonly ClusterDirectory[];
  /** Without global/pg_control, which is read last. */
  readonly files: readonly ScannedFile[];
  readonly controlFile: ScannedFile;
  /** Symbolic links and special files, which a backup leaves out as PostgreSQL's own does. */
  readonly skipped: readonly string[];
}

interface Walk {
  readonly major: PostgresMajor;
  readonly accounts: AccountNames;
  readonly directories: ClusterDirectory[];
  readonly files: ScannedFile[];
  readonly skipped: string[];
}

/**
 * Lists what a physical backup copies, in a directory of a running server: exclusions and unlogged relations left out,
 * tablespaces followed, files that vanish meanwhile ignored (basebackup.c, sendDir).
 */
export function scanCluster(dataDirectory: Buffer, major: PostgresMajor): ClusterScan {
  const walk: Walk = { major, accounts: loadAccountNames(), directories: [], files: [], skipped: [] };
  walkDirectory(walk, { path: '', absolutePath: dataDirectory });
  const controlFile = walk.files.find((file) => file.path === 'global/pg_control');
  if (controlFile === undefined) {
    throw new OperationError('file-missing', `${dataDirectory.toString()} has no global/pg_control`, {
      hint: 'is this the data directory of a PostgreSQL cluster? SHOW data_directory tells it',
    });
  }
  return { ...walk, files: walk.files.filter((file) => file !== controlFile), controlFile };
}

interface Place {
  readonly path: string;
  readonly absolutePath: Buffer;
}

function walkDirectory(walk: Walk, place: Place): void {
  const stat = statOrGone(place.absolutePath, true);
  const entries = stat === undefined ? undefined : readEntries(place.absolutePath);
  if (stat === undefined || entries === undefined) return;
  const attributes = nodeFromStat(baseName(place.path), stat, walk.accounts);
  walk.directories.push({ path: place.path, attributes });
  const unlogged = unloggedFileNumbers(entries.map((entry) => entry.name.toString('latin1')));
  for (const entry of entries) {
    const name = entry.name.toString('latin1');
    const child = {
      path: place.path === '' ? name : `${place.path}/${name}`,
      absolutePath: Buffer.concat([place.absolutePath, Buffer.from('/'), entry.name]),
    };
    walkEntry(walk, child, { entry, unlogged });
  }
}

function walkEntry(walk: Walk, place: Place, found: { entry: Dirent<Buffer>; unlogged: ReadonlySet<number> }): void {
  const { entry, unlogged } = found;
  const inclusion = backupInclusion(place.path, walk.major);
  if (inclusion === 'exclude') return;
  if (inclusion === 'empty-directory') {
    keepEmpty(walk, place);
    return;
  }
  if (entry.isDirectory() || (entry.isSymbolicLink() && isTablespace(place.path))) walkDirectory(walk, place);
  else if (entry.isFile()) addFile(walk, place, unlogged);
  else if (!entry.isSocket()) walk.skipped.push(place.path);
}

/** Links to tablespaces are followed; the only other link that PostgreSQL itself follows is a relocated pg_wal. */
function isTablespace(path: string): boolean {
  return /^pg_tblspc\/\d+$/.test(path);
}

/** Directories whose content is not backed up, but which the server wants to find. */
function keepEmpty(walk: Walk, place: Place): void {
  const stat = statOrGone(place.absolutePath, true);
  if (stat === undefined) return;
  const attributes = nodeFromStat(baseName(place.path), stat, walk.accounts);
  walk.directories.push({ path: place.path, attributes });
  const prefix = `${place.path}/`;
  for (const path of emptyDirectories(walk.major).filter((candidate) => candidate.startsWith(prefix))) {
    const name = path.slice(prefix.length);
    const child = statOrGone(Buffer.concat([place.absolutePath, Buffer.from(`/${name}`)]), true);
    if (child !== undefined)
      walk.directories.push({ path, attributes: nodeFromStat(baseName(path), child, walk.accounts) });
  }
}

function addFile(walk: Walk, place: Place, unlogged: ReadonlySet<number>): void {
  const relation = parseRelationPath(place.path);
  if (relation !== undefined && isUnloggedContent(relation, unlogged)) return;
  const stat = statOrGone(place.absolutePath, false);
  if (stat === undefined || !stat.isFile()) return;
  const attributes = nodeFromStat(baseName(place.path), stat, walk.accounts);
  walk.files.push({ ...place, stat, attributes, relation });
}

function statOrGone(path: Buffer, follow: boolean): BigIntStats | undefined {
  try {
    return follow ? statSync(path, { bigint: true }) : lstatSync(path, { bigint: true });
  } catch (error) {
    return goneOrThrow(path, error);
  }
}

function readEntries(path: Buffer): Dirent<Buffer>[] | undefined {
  try {
    return readdirSync(path, { encoding: 'buffer', withFileTypes: true });
  } catch (error) {
    return goneOrThrow(path, error);
  }
}

function goneOrThrow(path: Buffer, error: unknown): undefined {
  const code = systemErrorCode(error);
  if (code === 'ENOENT') return undefined;
  const denied = code === 'EACCES' || code === 'EPERM';
  throw new OperationError(denied ? 'file-denied' : 'file-io', `cannot read ${path.toString()}: ${code}`, {
    ...(denied ? { hint: 'run as the operating system user of the server, or as root' } : {}),
    cause: error,
  });
}

function baseName(path: string): Buffer {
  return Buffer.from(path.slice(path.lastIndexOf('/') + 1), 'latin1');
}
