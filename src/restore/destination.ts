import { lstatSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { OperationError, systemErrorCode } from '../base/errors.ts';
import { controlFilePath, parseControlFile } from '../postgres/controlFile.ts';
import { findRunningServer } from '../postgres/runningServer.ts';
import type { SystemIdentifier } from '../postgres/systemIdentifier.ts';

/** Lies in a data directory while a restore writes there; no server can be started as long as it is there. */
export const incompleteMarker = 'understudy-restore-incomplete';

/** `refuse` a directory that is not empty; `delta` rewrites what differs; `overwrite` replaces everything. */
export type ExistingFiles = 'refuse' | 'delta' | 'overwrite';

export interface DestinationCheck {
  readonly existing: ExistingFiles;
  readonly systemIdentifier: SystemIdentifier;
}

/** What a restore would find at its destination. */
export interface DestinationState {
  /** Absolute. */
  readonly path: string;
  readonly isEmpty: boolean;
  /** A restore was interrupted there. */
  readonly isIncomplete: boolean;
}

/** A file system's own directory does not make it non-empty. */
const ignoredNames = new Set(['lost+found']);

/**
 * Looks at the destination of a restore, changing nothing. Throws `cluster-running`, `destination-not-empty` (also with
 * --delta or --force, for a directory that is no data directory), `cluster-mismatch` (a delta onto another cluster).
 */
export async function checkDestination(destination: string, check: DestinationCheck): Promise<DestinationState> {
  const path = resolve(destination);
  const names = listDirectory(path).filter((name) => !ignoredNames.has(name));
  const isIncomplete = names.some((name) => name.startsWith(incompleteMarker)); // or while it was being written
  const running = await findRunningServer(path);
  if (running !== undefined) throw runningError(path, running.pid);
  if (names.length === 0) return { path, isEmpty: true, isIncomplete };
  if (check.existing === 'refuse') {
    throw new OperationError('destination-not-empty', `cannot restore to ${path}: it is not empty`, {
      hint: isIncomplete
        ? 'an earlier restore was interrupted there: --delta finishes it'
        : '--delta rewrites only what differs from the backup, --force replaces everything',
      detail: { entries: names.length },
    });
  }
  if (!isIncomplete && !names.includes('PG_VERSION')) {
    throw new OperationError('destination-not-empty', `${path} holds files and is no data directory of PostgreSQL`, {
      hint: 'restoring removes everything that is not in the backup: empty the directory yourself, or choose another',
      detail: { entries: names.length },
    });
  }
  if (check.existing === 'delta' && !isIncomplete) checkSameCluster(path, check.systemIdentifier);
  return { path, isEmpty: false, isIncomplete };
}

/** Names in a directory; none when it does not exist. */
export function listDirectory(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT') return [];
    if (code === 'ENOTDIR') {
      throw new OperationError('destination-io', `cannot restore to ${path}: it is not a directory`, {
        hint: 'name a directory, or a path where there is nothing yet',
        cause: error,
      });
    }
    throw new OperationError('file-denied', `cannot look into ${path}`, {
      hint: 'run as root or as the user who owns the data directory',
      cause: error,
    });
  }
}

export function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function runningError(path: string, pid: number | undefined): OperationError {
  const who = pid === undefined ? 'a server in another container' : `process ${pid}`;
  return new OperationError('cluster-running', `a PostgreSQL server is running in ${path}: ${who}`, {
    hint: 'stop it first, or restore to another directory',
    detail: { pid },
  });
}

function checkSameCluster(path: string, wanted: SystemIdentifier): void {
  const control = join(path, controlFilePath);
  if (!exists(control)) return;
  const reading = parseControlFile(readFileSync(control));
  if (reading.state === 'torn' || reading.controlFile.systemIdentifier === wanted) return;
  const found = reading.controlFile.systemIdentifier;
  throw new OperationError(
    'cluster-mismatch',
    `${path} holds cluster ${found}, and the backup is of cluster ${wanted}`,
    {
      hint: 'is it the right directory? --force replaces whatever is there',
      detail: { found: String(found), expected: String(wanted) },
    },
  );
}
