import { existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { OperationError } from '../base/errors.ts';
import { listRunningServers } from '../postgres/runningServer.ts';
import { listDirectory, type ExistingFiles } from './destination.ts';

/** What servers, and programs that archive for them, have in pg_wal. */
const ownNames = new RegExp(
  '^([0-9A-F]{24}.*|[0-9A-F]{8}\\.history.*|xlogtemp\\.\\d+|RECOVERY\\w+|' +
    'archive_status|summaries|understudy-.+|lost\\+found)$',
  's',
);

/**
 * Where the pg_wal of an existing data directory really is when that is a link: WAL has often a disk of its own, and
 * keeps it. What lies there is replaced, so it must be WAL and nothing else. Throws `cluster-running` when a running
 * server writes there, as that of which the directory is a copy may, `destination-not-empty` when it is no WAL.
 */
export function linkedWalDirectory(dataDirectory: string, existing: ExistingFiles): string | undefined {
  const path = join(dataDirectory, 'pg_wal');
  if (existing === 'refuse' || lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return undefined;
  const place = resolve(realpathSync(dataDirectory), readlinkSync(path));
  const real = existsSync(place) ? realpathSync(place) : place;
  const user = listRunningServers().find((server) => walDirectoryOf(server.dataDirectory) === real);
  if (user !== undefined) {
    throw new OperationError(
      'cluster-running',
      `${path} leads to ${place}, where the server in ${user.dataDirectory} writes`,
      {
        hint: 'is this a copy of its data directory? remove the link first, then WAL goes into the directory itself',
        detail: { path, target: place, dataDirectory: user.dataDirectory },
      },
    );
  }
  const entry = listDirectory(place).find((name) => !ownNames.test(name));
  if (entry === undefined) return place;
  throw new OperationError('destination-not-empty', `${path} leads to ${place}, where ${entry} is no WAL`, {
    hint: 'a restore would remove it: move it away, or remove the link, then WAL goes into the directory itself',
    detail: { path, target: place, entry },
  });
}

function walDirectoryOf(dataDirectory: string): string | undefined {
  const path = join(dataDirectory, 'pg_wal');
  return existsSync(path) ? realpathSync(path) : undefined;
}
