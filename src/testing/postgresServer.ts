import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { appendFile, chown, mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import pg from 'pg';
import { type PostgresMajor, postgresBinaries } from './postgresBinaries.ts';
import { processesIn } from './processes.ts';
import { initCluster } from './postgresTemplate.ts';
import { serverUser } from './serverUser.ts';
import { type TempDir, tempDir } from './tempDir.ts';
import { waitFor } from './waitFor.ts';

export type Settings = Readonly<Record<string, string | number | boolean>>;

export interface ClusterOptions {
  /** Default 15. */
  readonly major?: PostgresMajor;
  /** Appended to postgresql.conf, after the fast defaults of the harness. */
  readonly settings?: Settings;
  /** Default true. */
  readonly checksums?: boolean;
  /** More arguments of initdb, e.g. `--wal-segsize=1`. */
  readonly initdbArguments?: readonly string[];
  /** Names of tablespaces to create, each in a directory outside the data directory. */
  readonly tablespaces?: readonly string[];
  /** Also listen on 127.0.0.1, on a free port. */
  readonly tcp?: boolean;
  /** Default true. */
  readonly start?: boolean;
}

export interface ExistingClusterOptions {
  /** Default 15. */
  readonly major?: PostgresMajor;
  /** A data directory that the server's user owns; it stays when the cluster is disposed. */
  readonly dataDirectory: string;
  /** Given on the server's command line; the directory's own configuration files stay as they are. */
  readonly settings?: Settings;
  readonly tcp?: boolean;
}

export interface StartOptions {
  /** `accepting` (default): connections are accepted; `recovered`: recovery is over too. */
  readonly until?: 'accepting' | 'recovered';
  /** Default 60 seconds. */
  readonly timeoutMs?: number;
}

const harnessSettings: Settings = {
  fsync: false, // the tests kill servers, not the machine's power
  shared_buffers: '16MB',
  max_wal_senders: 10,
  max_replication_slots: 10,
  log_checkpoints: false,
  log_line_prefix: '%m [%p] ',
};

/** Makes a cluster in a temporary directory and starts its server. Disposing stops it and removes everything. */
export async function createCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const major = options.major ?? 15;
  const directory = await tempDir({ owner: 'server' });
  try {
    const cluster = await Cluster.place(directory, join(directory.path, 'data'), {
      major,
      commandLine: {},
      tcp: options.tcp === true,
    });
    await initCluster(cluster.dataDirectory, {
      binaries: cluster.binaries,
      initdbArguments: [...checksumArguments(major, options.checksums ?? true), ...(options.initdbArguments ?? [])],
    });
    await cluster.configure({ ...harnessSettings, ...options.settings });
    if (options.start !== false || options.tablespaces !== undefined) await cluster.start();
    for (const name of options.tablespaces ?? []) await cluster.createTablespace(name);
    if (options.start === false) await cluster.stop();
    return cluster;
  } catch (error) {
    await directory[Symbol.asyncDispose]();
    throw error;
  }
}

/** Wraps a data directory that came from elsewhere, e.g. a restore. The server is not started yet. */
export async function existingCluster(options: ExistingClusterOptions): Promise<Cluster> {
  const directory = await tempDir({ owner: 'server' });
  return Cluster.place(directory, options.dataDirectory, {
    major: options.major ?? 15,
    commandLine: { ...options.settings },
    tcp: options.tcp === true,
  });
}

interface Placement {
  readonly major: PostgresMajor;
  readonly commandLine: Settings;
  readonly tcp: boolean;
}

/** One data directory and its server, reached over a private Unix socket as user `postgres` without password. */
export class Cluster implements AsyncDisposable {
  readonly major: PostgresMajor;
  /** Directory of initdb, pg_ctl, postgres. */
  readonly binaries: string;
  /** The temporary directory that holds socket, log, tablespaces and (when created here) the data directory. */
  readonly directory: string;
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  readonly port: number;
  readonly logPath: string;
  readonly #temporary: TempDir;
  readonly #commandLine: Settings;
  #server: ChildProcess | undefined;

  static async place(temporary: TempDir, dataDirectory: string, placement: Placement): Promise<Cluster> {
    const binaries = await postgresBinaries(placement.major);
    const port = placement.tcp ? await freePort() : 5432;
    return new Cluster(temporary, dataDirectory, { ...placement, binaries, port });
  }

  private constructor(
    temporary: TempDir,
    dataDirectory: string,
    placement: Placement & { readonly binaries: string; readonly port: number },
  ) {
    this.#temporary = temporary;
    this.directory = temporary.path;
    this.dataDirectory = dataDirectory;
    this.socketDirectory = temporary.path;
    this.logPath = temporary.join('server.log');
    this.major = placement.major;
    this.binaries = placement.binaries;
    this.port = placement.port;
    this.#commandLine = {
      ...placement.commandLine,
      unix_socket_directories: this.socketDirectory,
      listen_addresses: placement.tcp ? '127.0.0.1' : '',
      port: placement.port,
    };
  }

  /** Options for `new pg.Client()`. */
  get connection(): { host: string; port: number; user: string; database: string } {
    return { host: this.socketDirectory, port: this.port, user: 'postgres', database: 'postgres' };
  }

  /** A libpq connection string for the same. */
  get connectionString(): string {
    return `host=${this.socketDirectory} port=${this.port} user=postgres dbname=postgres`;
  }

  /** Process id of the running postmaster, else undefined. */
  get pid(): number | undefined {
    return this.#server?.pid;
  }

  async start(options: StartOptions = {}): Promise<void> {
    if (this.#server !== undefined) throw new Error('the server runs already');
    const server = this.#spawn();
    this.#server = server;
    try {
      const timeoutMs = options.timeoutMs ?? 60_000;
      await waitFor(() => hasEnded(server) || this.#isReady(server), { what: 'server start', timeoutMs });
      if (options.until === 'recovered' && !hasEnded(server)) {
        await waitFor(() => hasEnded(server) || this.#isPrimary(), { what: 'end of recovery', timeoutMs });
      }
      if (hasEnded(server)) throw new Error('the server stopped while it started');
    } catch (error) {
      await this.stop('immediate');
      throw new Error(`${String(error)}\n${this.logTail()}`, { cause: error });
    }
  }

  /** Stops the server as pg_ctl's modes do; nothing to do when it does not run. */
  async stop(mode: 'smart' | 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.#end(({ smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const)[mode]);
  }

  /** Kills the postmaster without warning and waits until its children, which notice, are gone too. */
  async kill9(): Promise<void> {
    const pid = this.pid;
    await this.#end('SIGKILL');
    if (pid === undefined) return;
    await waitFor(() => processesIn(this.dataDirectory).length === 0, { what: 'end of the backends' });
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Promotes a standby and waits until it takes writes. */
  async promote(): Promise<void> {
    await this.sql('select pg_promote(true)');
    await waitFor(() => this.#isPrimary(), { what: 'promotion' });
  }

  /** Resolves with the exit status when the server ends by itself (null after a signal). */
  async exited(): Promise<number | null> {
    const server = this.#server;
    if (server === undefined) throw new Error('the server does not run');
    if (!hasEnded(server)) await once(server, 'exit');
    return server.exitCode;
  }

  /** Appends to postgresql.conf; needs a reload or restart as the setting demands. */
  async configure(settings: Settings): Promise<void> {
    const lines = Object.entries(settings).map(
      ([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`,
    );
    await appendFile(join(this.dataDirectory, 'postgresql.conf'), lines.join(''));
  }

  /** Runs one or more statements on a connection of its own; rows of the last one. */
  async sql<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]> {
    await using client = await this.connect();
    const result: pg.QueryResult<Row> | pg.QueryResult<Row>[] = await client.query<Row>(text, values?.slice());
    return (Array.isArray(result) ? result.at(-1) : result)?.rows ?? [];
  }

  /** An open connection; `await using` closes it. An error after the server's death is not thrown anywhere. */
  async connect(options: pg.ClientConfig = {}): Promise<pg.Client & AsyncDisposable> {
    const client = new pg.Client({ ...this.connection, ...options });
    client.on('error', () => undefined);
    await client.connect();
    return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
  }

  /** Creates a tablespace in a directory of its own beside the data directory; returns that directory. */
  async createTablespace(name: string): Promise<string> {
    const location = join(this.directory, `tablespace-${name}`);
    await mkdir(location, { mode: 0o700 });
    await giveToServer(location);
    await this.sql(`create tablespace ${pg.escapeIdentifier(name)} location ${pg.escapeLiteral(location)}`);
    return location;
  }

  /** The whole server log. */
  async log(): Promise<string> {
    return existsSync(this.logPath) ? readFile(this.logPath, 'utf8') : '';
  }

  logTail(): string {
    return existsSync(this.logPath) ? readFileSync(this.logPath, 'utf8').split('\n').slice(-25).join('\n') : '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('immediate');
    await this.#temporary[Symbol.asyncDispose]();
  }

  /** The kernel ends the server when the test process dies, however it dies. */
  #spawn(): ChildProcess {
    const user = serverUser();
    const identity = user === undefined ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
    const settings = Object.entries(this.#commandLine).flatMap(([name, value]) => ['-c', `${name}=${String(value)}`]);
    const command = [join(this.binaries, 'postgres'), '-D', this.dataDirectory, ...settings];
    const log = openSync(this.logPath, 'a');
    try {
      return spawn('setpriv', ['--pdeathsig', 'QUIT', ...identity, ...command], {
        cwd: '/',
        stdio: ['ignore', log, log],
        env: { ...environmentWithoutPostgres(), LC_ALL: 'C.UTF-8' },
      });
    } finally {
      closeSync(log);
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    if (!hasEnded(server)) {
      const exit = once(server, 'exit');
      server.kill(signal);
      await exit;
    }
    this.#server = undefined;
  }

  /** The eighth line of postmaster.pid says `ready` once connections are accepted. */
  #isReady(server: ChildProcess): boolean {
    const path = join(this.dataDirectory, 'postmaster.pid');
    if (!existsSync(path)) return false;
    const lines = readFileSync(path, 'utf8').split('\n');
    return lines[0] === String(server.pid) && lines[7]?.trim() === 'ready';
  }

  async #isPrimary(): Promise<boolean> {
    try {
      const [row] = await this.sql<{ recovering: boolean }>('select pg_is_in_recovery() as recovering');
      return row?.recovering === false;
    } catch {
      return false; // it is stopping, or was when the connection began
    }
  }
}

/** Gives a file or directory to the user that runs the servers. */
export async function giveToServer(path: string): Promise<void> {
  const user = serverUser();
  if (user !== undefined) await chown(path, user.uid, user.gid);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function environmentWithoutPostgres(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PG')));
}

function checksumArguments(major: PostgresMajor, checksums: boolean): string[] {
  if (checksums) return ['--data-checksums'];
  return major >= 18 ? ['--no-data-checksums'] : [];
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
