import type { Socket } from 'node:net';
import pg from 'pg';
import type { Context } from '../base/context.ts';
import { OperationError, errorMessage } from '../base/errors.ts';
import type { ConnectionOptions } from './connectionOptions.ts';
import { type Lsn, parseLsn } from './lsn.ts';
import { type PostgresMajor, majorOfServerVersion } from './version.ts';
import { type ConnectedClient, connectClient } from './wire/connect.ts';
import { asServerNotice } from './wire/connectErrors.ts';
import { closeTimeoutMs, deadline } from './wire/deadline.ts';
import { firstLine, serverError } from './wire/serverErrors.ts';

/**
 * Logs in for SQL. The session is the same everywhere: no time-outs, an empty search path (names must be qualified: a
 * hostile schema cannot put its functions before ours), ISO dates in UTC.
 * Throws as `openReplicationConnection` does. The connection ends when `ctx.signal` aborts.
 */
export async function openSqlConnection(ctx: Context, options: ConnectionOptions): Promise<SqlConnection> {
  const connected = await connectClient(ctx, options, 'sql');
  const connection = new SqlConnection(ctx, connected);
  try {
    await connection.prepare();
    return connection;
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
}

/** What a value becomes: int8 bigint, pg_lsn `Lsn`, oid number, json parsed, bytea Buffer, dates and numerics text. */
export type SqlRow = Readonly<Record<string, unknown>>;

const sessionSettings: Readonly<Record<string, string>> = {
  search_path: '',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  DateStyle: 'ISO, YMD',
  TimeZone: 'UTC',
};

/** What a statement of somebody else returned. */
export interface SqlTable {
  /** Type oid of each column. */
  readonly columns: readonly number[];
  readonly rows: readonly (readonly unknown[])[];
}

/** One SQL session. Statements wait for each other. */
export class SqlConnection implements AsyncDisposable {
  readonly #client: pg.Client;
  readonly #ctx: Context;
  readonly #socket: Socket;
  readonly #serverVersion: string;
  readonly #onAbort: () => void;
  #lost: unknown;
  #tail: Promise<unknown> = Promise.resolve();

  /** Use `openSqlConnection`. */
  constructor(ctx: Context, { client, socket, parameters }: ConnectedClient) {
    this.#client = client;
    this.#ctx = ctx;
    this.#socket = socket;
    this.#serverVersion = parameters.get('server_version') ?? '';
    this.#onAbort = () => void socket.destroy();
    ctx.signal.addEventListener('abort', this.#onAbort, { once: true });
    client.on('error', (error) => (this.#lost ??= error));
    client.on('notice', (notice) =>
      ctx.log.debug({ severity: notice.severity, notice: notice.message }, 'notice of PostgreSQL'),
    );
    const types: TypeParsers = client;
    for (const [oid, parse] of parsers) types.setTypeParser(oid, 'text', parse);
  }

  /** Throws `postgres-unsupported` outside 13 to 18. */
  get major(): PostgresMajor {
    return majorOfServerVersion(Number.parseInt(this.#serverVersion, 10) * 10_000);
  }

  /** The server's own words, e.g. `15.18 (Debian 15.18-0+deb12u1)`. */
  get serverVersion(): string {
    return this.#serverVersion;
  }

  /** Part of `openSqlConnection`. */
  async prepare(): Promise<void> {
    const settings = {
      ...sessionSettings,
      ...(this.major >= 14 ? { idle_session_timeout: '0' } : {}),
      ...(this.major >= 17 ? { transaction_timeout: '0' } : {}),
    };
    const calls = Object.entries(settings).map(
      ([name, value]) => `pg_catalog.set_config('${name}', '${value}', false)`,
    );
    await this.query(`SELECT ${calls.join(', ')}`);
  }

  /**
   * Runs one statement and returns its rows; `$1`, `$2` ... stand for the values. Throws `postgres-unreachable` when
   * the connection is cut, else by SQLSTATE (`postgres-denied`, `postgres-settings` ...), see `detail.sqlstate`.
   */
  async query<Row extends SqlRow = SqlRow>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.#next(async () => (await this.#client.query<Row & pg.QueryResultRow>(text, [...values])).rows);
  }

  /** As `query`, for text that is not ours: it must be one statement, and its columns may share a name. */
  async queryTable(text: string): Promise<SqlTable> {
    // the extended protocol takes one statement only; the types of pg do not know this option
    const statement: pg.QueryArrayConfig & { queryMode: 'extended' } = {
      text,
      rowMode: 'array',
      queryMode: 'extended',
    };
    return this.#next(async () => {
      const { fields, rows } = await this.#client.query<unknown[]>(statement);
      return { columns: fields.map(({ dataTypeID }) => dataTypeID), rows };
    });
  }

  /** As `query`, for statements that return exactly one row; anything else is `postgres-protocol`. */
  async queryOne<Row extends SqlRow = SqlRow>(text: string, values: readonly unknown[] = []): Promise<Row> {
    const rows = await this.query<Row>(text, values);
    const [row] = rows;
    if (row === undefined || rows.length !== 1) {
      throw new OperationError('postgres-protocol', `PostgreSQL answered with ${rows.length} rows instead of one`, {
        detail: { statement: text },
      });
    }
    return row;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ctx.signal.removeEventListener('abort', this.#onAbort);
    using _ = deadline(this.#ctx.clock, closeTimeoutMs, () => this.#socket.destroy());
    await this.#client.end();
  }

  #next<Result>(ask: () => Promise<Result>): Promise<Result> {
    const result = this.#tail.then(() => this.#run(ask));
    this.#tail = result.catch(() => undefined);
    return result;
  }

  async #run<Result>(ask: () => Promise<Result>): Promise<Result> {
    this.#ctx.signal.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      this.#ctx.signal.throwIfAborted();
      throw this.#translate(error);
    }
  }

  #translate(error: unknown): OperationError {
    const notice = asServerNotice(error) ?? asServerNotice(this.#lost);
    if (notice !== undefined) return serverError('asking PostgreSQL', notice);
    const reason = firstLine(errorMessage(this.#lost ?? error));
    return new OperationError('postgres-unreachable', `the connection to the PostgreSQL server was cut: ${reason}`, {
      hint: 'did the server stop, or does its log say why it ended this connection?',
      cause: error,
    });
  }
}

/** pg's own declaration takes an enum that its package does not export. */
interface TypeParsers {
  setTypeParser(oid: number, format: 'text', parse: (text: string) => unknown): void;
}

const asText = (text: string): string => text;

/** By type oid. Dates stay text: a `Date` would lose the microseconds. */
const parsers: ReadonlyMap<number, (text: string) => unknown> = new Map<number, (text: string) => unknown>([
  [20, BigInt], // int8
  [3220, (text: string): Lsn => parseLsn(text)], // pg_lsn
  [1082, asText], // date
  [1114, asText], // timestamp
  [1184, asText], // timestamptz
  [1186, asText], // interval
]);
