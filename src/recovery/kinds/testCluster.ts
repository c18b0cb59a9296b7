import { mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { reachableInstallation, requireInstallation } from '../../postgres/installations.ts';
import { chooseRuntimeUser } from '../../postgres/runtimeUser.ts';
import { createScratchDirectory, removeOrphans } from '../../postgres/scratchDirectory.ts';
import { startServer } from '../../postgres/serverProcess.ts';
import { defineStepKind, type StepEnvironment } from '../stepKind.ts';
import { checkCommand, commandByHand, commandShape, runCommand } from './runCommand.ts';

/** The server of a rehearsal archives nothing, follows nobody, and loads no library that acts on the world. */
const settings = {
  archive_mode: 'off',
  primary_conninfo: '',
  synchronous_standby_names: '',
  shared_preload_libraries: '',
  session_preload_libraries: '',
  local_preload_libraries: '',
  max_logical_replication_workers: '0',
  max_prepared_transactions: '1000',
  autovacuum: 'off',
};

/** Runs a program against the server of a restored cluster, which runs for that time only and for nobody else. */
export const testClusterKind = defineStepKind({
  name: 'test-cluster',
  shape: {
    ...commandShape,
    dataDirectory: z
      .string()
      .min(1)
      .describe("Data directory of a restored cluster; relative to the run's working directory."),
    database: z.string().min(1).default('postgres').describe('Database that `DATABASE_URL` names.'),
    role: z.string().min(1).default('postgres').describe('Who logs in; a superuser.'),
    serverUser: z.string().min(1).optional().describe('Operating system user that runs the server.'),
  },
  secretKeys: ['environment'],
  repeatable: () => true,
  check: checkCommand,
  run: async (ctx, options, step) => {
    if (step.attempt > 1) await removeOrphans(ctx, tmpdir());
    await using scratch = await createScratchDirectory(tmpdir());
    await using server = await start(ctx, { ...options, scratch: scratch.path, step });
    await server.waitUntilAccepting(ctx);
    const { database, role, environment } = options;
    const url = `postgresql://${encodeURIComponent(role)}@${encodeURIComponent(server.connection.host)}/`;
    const DATABASE_URL = (url + encodeURIComponent(database)).replaceAll('$', '%24');
    const TMPDIR = join(step.directory, 'tmp'); // what a killed test leaves goes with the sandbox
    mkdirSync(TMPDIR, { recursive: true });
    const variables = { TMPDIR, ...environment, DATABASE_URL };
    const lines = await runCommand(ctx, { ...options, environment: variables }, { step });
    await server.stop('fast');
    return { summary: 'the program ended with status 0', facts: { outputLines: lines, database } };
  },
  byHand: ({ dataDirectory, database, environment, ...command }) =>
    [
      `runuser -u postgres -- pg_ctl start -w -D '${dataDirectory}' -o '-c listen_addresses= -c archive_mode=off'`,
      commandByHand({ ...command, environment: { ...environment, DATABASE_URL: `postgresql:///${database}` } }),
      `runuser -u postgres -- pg_ctl stop -D '${dataDirectory}'`,
    ].join('\n'),
});

interface Start {
  readonly dataDirectory: string;
  readonly role: string;
  readonly serverUser?: string | undefined;
  readonly scratch: string;
  readonly step: StepEnvironment;
}

async function start(ctx: Context, { scratch, step, role, serverUser, ...options }: Start) {
  const dataDirectory = resolve(step.directory, options.dataDirectory);
  const configured = serverUser === undefined ? {} : { configured: serverUser };
  const user = await chooseRuntimeUser(ctx, { ...configured, dataDirectory });
  const directories = await step.services.postgresBinaries();
  const found = await requireInstallation(ctx, majorOf(dataDirectory), { directories, programs: ['postgres'] });
  const installation = await reachableInstallation(ctx, found, { user, directory: scratch });
  return startServer(ctx, { installation, dataDirectory, runDirectory: join(scratch, 'run'), user, role, settings });
}

function majorOf(dataDirectory: string): number {
  try {
    return Number(readFileSync(join(dataDirectory, 'PG_VERSION'), 'utf8'));
  } catch (cause) {
    throw new OperationError('file-missing', `${dataDirectory} is no data directory`, {
      hint: 'name the directory that a step of kind restore-cluster has written',
      cause,
    });
  }
}
