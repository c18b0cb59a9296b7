import { realpathSync } from 'node:fs';
import { isAbsolute, join, normalize } from 'node:path';
import type { PhysicalRecord } from '../backup/physicalRecord.ts';
import { OperationError } from '../base/errors.ts';
import { listRunningServers, tablespaceDirectories } from '../postgres/runningServer.ts';
import { majorOfServerVersion, tablespaceVersionDirectory } from '../postgres/version.ts';
import { exists, listDirectory, type ExistingFiles } from './destination.ts';

/** Where tablespaces go; default where the source had them. */
export interface TablespaceOptions {
  /** Old directory, or name of the tablespace -> new directory. */
  readonly map?: ReadonlyMap<string, string>;
  /** All that the map does not name: `<directory>/<oid>`. */
  readonly directory?: string;
}

/** A tablespace outside the data directory: `pg_tblspc/<oid>` will be a link to `location`. */
export interface PlannedTablespace {
  readonly oid: number;
  readonly name: string;
  readonly sourceLocation: string;
  /** Absolute. */
  readonly location: string;
}

export interface TablespaceCheck {
  readonly dataDirectory: string;
  readonly existing: ExistingFiles;
}

/** Decides where each tablespace goes. Throws `usage` for a map that names none, and for places that cannot be. */
export function planTablespaces(
  record: PhysicalRecord,
  options: TablespaceOptions,
  dataDirectory: string,
): PlannedTablespace[] {
  const { map = new Map<string, string>(), directory } = options;
  const unused = new Set(map.keys());
  const planned = record.tablespaces
    .filter(({ inPlace }) => !inPlace)
    .map(({ oid, name, location: sourceLocation }) => {
      const key = [sourceLocation, name].find((candidate) => map.has(candidate));
      if (key !== undefined) unused.delete(key);
      const inDirectory = directory === undefined ? sourceLocation : join(directory, String(oid));
      const location = normalize(key === undefined ? inDirectory : (map.get(key) ?? inDirectory)).replace(
        /(.)\/+$/,
        '$1',
      );
      return { oid, name, sourceLocation, location };
    });
  const [unknown] = unused;
  if (unknown !== undefined) throw unknownTablespace(unknown, planned);
  checkPlaces(planned, dataDirectory);
  return planned;
}

/**
 * Looks at the directories of the tablespaces, changing nothing. Throws `cluster-running` for one that a running server
 * uses, `destination-not-empty`.
 */
export function checkTablespaces(
  record: PhysicalRecord,
  planned: readonly PlannedTablespace[],
  { existing }: TablespaceCheck,
): void {
  if (planned.length === 0) return;
  const own = tablespaceVersionDirectory(majorOfServerVersion(record.serverVersion));
  const used = new Map(
    listRunningServers().flatMap(({ dataDirectory }) =>
      tablespaceDirectories(dataDirectory).map((path) => [path, dataDirectory] as const),
    ),
  );
  for (const { name, location } of planned) {
    const user = exists(location) ? used.get(realpathSync(location)) : undefined;
    if (user !== undefined) {
      throw new OperationError(
        'cluster-running',
        `tablespace ${name} cannot go to ${location}: the server in ${user} uses it`,
        {
          hint: 'send it elsewhere with --tablespace-map or --tablespaces-in, or stop that server',
          detail: { tablespace: name, location, dataDirectory: user },
        },
      );
    }
    const names = listDirectory(location);
    if (existing === 'refuse' && names.includes(own)) {
      throw new OperationError(
        'destination-not-empty',
        `tablespace ${name} cannot go to ${location}: it holds ${own}`,
        {
          hint: 'send it elsewhere with --tablespace-map or --tablespaces-in, or rewrite it with --delta',
          detail: { tablespace: name, location },
        },
      );
    }
  }
}

function checkPlaces(planned: readonly PlannedTablespace[], dataDirectory: string): void {
  for (const { name, location } of planned) {
    if (!isAbsolute(location)) throw badPlace(name, location, 'it is not an absolute path');
    if (isInside(location, dataDirectory) || isInside(dataDirectory, location)) {
      throw badPlace(name, location, 'it and the data directory lie in one another');
    }
    const other = planned.find((candidate) => candidate.name !== name && isInside(location, candidate.location));
    if (other !== undefined) throw badPlace(name, location, `tablespace ${other.name} goes there too`);
  }
}

function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

function badPlace(name: string, location: string, problem: string): OperationError {
  return new OperationError('usage', `tablespace ${name} cannot go to ${location}: ${problem}`, {
    hint: 'give each tablespace an absolute directory of its own, outside the data directory',
    detail: { tablespace: name, location },
  });
}

function unknownTablespace(key: string, planned: readonly PlannedTablespace[]): OperationError {
  const known = planned.map(({ name, sourceLocation }) => `${name} at ${sourceLocation}`);
  return new OperationError('usage', `the backup has no tablespace ${key} to map`, {
    hint: known.length === 0 ? 'it has none outside the data directory' : `it has ${known.join(', ')}`,
    detail: { tablespace: key },
  });
}
