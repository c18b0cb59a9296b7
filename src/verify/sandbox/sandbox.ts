import { existsSync, readFileSync, readdirSync, readlinkSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { controlFilePath, parseControlFile, type ControlFile } from '../../postgres/controlFile.ts';
import {
  reachableInstallation,
  requireInstallation,
  type FindOptions,
  type Installation,
} from '../../postgres/installations.ts';
import type { OsUser } from '../../postgres/runProgram.ts';
import { assertReachable, chooseRuntimeUser } from '../../postgres/runtimeUser.ts';
import { createScratchDirectory, keepScratchDirectory, removeOrphans } from '../../postgres/scratchDirectory.ts';
import { startServer, type ServerProcess } from '../../postgres/serverProcess.ts';
import type { WalFileName } from '../../postgres/walFileName.ts';
import { readBootstrapRole } from './bootstrapRole.ts';
import { isolate, type Isolation } from './isolation.ts';
import { prepareRecovery } from './materialise.ts';
import { sandboxSettings, type SandboxRecovery } from './serverSettings.ts';
import { WalFeed } from './walFeed.ts';

export interface SandboxOptions {
  readonly major: number;
  /** Where the sandbox is made; default the system's directory for temporary files. */
  readonly scratch?: string | undefined;
  /** Where server programs are looked for besides the usual places. */
  readonly programs?: FindOptions;
  /** Who the server runs as, when we are root. */
  readonly user?: string | undefined;
}

export interface StartOptions {
  readonly recovery: SandboxRecovery;
  /** Names of the databases that the backup holds. */
  readonly databases: readonly string[];
  readonly segmentBytes: number;
  readonly fetch: (ctx: Context, file: WalFileName) => Promise<Buffer | undefined>;
  readonly inspect: (file: WalFileName, content: Buffer) => void;
}

export interface RunningSandbox extends AsyncDisposable {
  readonly server: ServerProcess;
  readonly feed: WalFeed;
}

/**
 * A place where a restored cluster runs and can harm nobody: a directory of its own, a user that is not root, a private
 * socket, and (where the system allows it) neither the machine's files nor its network. Gone on dispose; what a killed
 * process left is removed by the next one.
 */
export class Sandbox implements AsyncDisposable {
  readonly directory: string;
  readonly installation: Installation;
  readonly user: OsUser | undefined;
  readonly isolation: Isolation;
  readonly #scratch: AsyncDisposable;

  private constructor(
    parts: Pick<Sandbox, 'installation' | 'user' | 'isolation' | 'directory'>,
    scratch: AsyncDisposable,
  ) {
    this.directory = parts.directory;
    this.installation = parts.installation;
    this.user = parts.user;
    this.isolation = parts.isolation;
    this.#scratch = scratch;
  }

  /** Throws `program-missing` without programs of that major version, and what making directories throws. */
  static async open(ctx: Context, options: SandboxOptions): Promise<Sandbox> {
    const parent = existingDirectory(options.scratch ?? tmpdir());
    await removeOrphans(ctx, parent);
    const { user: configured, programs } = options;
    const user = await chooseRuntimeUser(ctx, configured === undefined ? {} : { configured });
    await assertReachable(ctx, parent, user);
    const found = await requireInstallation(ctx, options.major, programs);
    const scratch = await createScratchDirectory(parent);
    try {
      const directory = scratch.path;
      const installation = await reachableInstallation(ctx, found, { user, directory });
      const isolation = await isolate(ctx, { directory, user, binDirectory: installation.binDirectory });
      return new Sandbox({ directory, installation, user, isolation }, scratch);
    } catch (error) {
      await scratch[Symbol.asyncDispose]();
      throw error;
    }
  }

  get dataDirectory(): string {
    return join(this.directory, 'data');
  }

  readControlFile(): ControlFile {
    const reading = parseControlFile(readFileSync(join(this.dataDirectory, controlFilePath)));
    if (reading.state === 'sound') return reading.controlFile;
    throw new OperationError('backup-invalid', `${controlFilePath} of the backup is damaged: its checksum is wrong`);
  }

  /** Starts the server on what was restored; recovery has only begun then. */
  async start(ctx: Context, options: StartOptions): Promise<RunningSandbox> {
    const { user, directory, dataDirectory, installation } = this;
    const { limits, blockBytes } = this.readControlFile();
    prepareRecovery(dataDirectory, user);
    const { segmentBytes, fetch, inspect } = options;
    const feed = await WalFeed.open(ctx, { directory: join(directory, 'wal'), user, segmentBytes, fetch, inspect });
    const { restoreCommand } = feed;
    try {
      const server = await startServer(ctx, {
        installation,
        dataDirectory,
        runDirectory: join(directory, 'run'),
        user,
        launcher: this.isolation.launcher,
        role: readBootstrapRole(dataDirectory, blockBytes),
        database: options.databases.includes('postgres') ? 'postgres' : 'template1',
        settings: sandboxSettings({ major: installation.major, limits, recovery: options.recovery, restoreCommand }),
      });
      return {
        server,
        feed,
        [Symbol.asyncDispose]: async () => {
          await server[Symbol.asyncDispose]();
          await feed[Symbol.asyncDispose]();
        },
      };
    } catch (error) {
      await feed[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Leaves what is there under a name that nobody tidies up, and returns it. The server must have ended. */
  keep(): string {
    const kept = keepScratchDirectory(this.directory);
    const links = join(kept, 'data', 'pg_tblspc');
    if (!existsSync(links)) return kept; // it did not come to a restore
    const spaces = readdirSync(links, { withFileTypes: true }).filter((entry) => entry.isSymbolicLink());
    for (const { name } of spaces) {
      const target = readlinkSync(join(links, name)).replace(this.directory, kept);
      rmSync(join(links, name));
      symlinkSync(target, join(links, name));
    }
    return kept;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scratch[Symbol.asyncDispose]();
  }
}

/** The path itself, not links to it: the mount isolation goes by real paths. */
export function existingDirectory(directory: string): string {
  try {
    return realpathSync(directory);
  } catch (cause) {
    throw new OperationError('file-missing', `the scratch directory ${directory} does not exist`, {
      hint: 'create it, or name another one',
      cause,
    });
  }
}
