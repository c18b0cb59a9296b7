import { existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { OperationError } from '../base/errors.ts';
import { listRunningServers } from '../postgres/runningServer.ts';
import type { ExistingFiles } from './destination.ts';

/**
 * Where the pg_wal of an existing data directory really is when that is a link: WAL has often a disk of its own, and
 * keeps it. Throws `cluster-running` when a running server writes there, as that of which the directory is a copy may.
 */
export function linkedWalDirectory(dataDirectory: string, existing: ExistingFiles): string | undefined {
  const path = join(dataDirectory, 'pg_wal');
  if (existing === 'refuse' || lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return undefined;
  const place = resolve(dirname(path), readlinkSync(path));
  const real = existsSync(place) ? realpathSync(place) : place;
  const user = listRunningServers().find((server) => walDirectoryOf(server.dataDirectory) === real);
  if (user === undefined) return place;
  throw new OperationError(
    'cluster-running',
    `${path} leads to ${place}, where the server in ${user.dataDirectory} writes`,
    {
      hint: 'is this a copy of its data directory? remove the link first, then WAL goes into the directory itself',
      detail: { path, target: place, dataDirectory: user.dataDirectory },
    },
  );
}

function walDirectoryOf(dataDirectory: string): string | undefined {
  const path = join(dataDirectory, 'pg_wal');
  return existsSync(path) ? realpathSync(path) : undefined;
}
