import { hash } from 'node:crypto';
import type { Context } from '../../base/context.ts';
import { openSqlConnection, type SqlConnection, type SqlRow } from '../../postgres/sqlConnection.ts';
import type { ConnectionOptions } from '../../postgres/connectionOptions.ts';

/** What a client keeps of each of its own commits: the row's id and a hash of what it wrote. */
export type CommitLog = ReadonlyMap<bigint, string>;

/** Clients that book events, each with its own connection, and note what the server acknowledged. */
export class BookingLoad implements AsyncDisposable {
  readonly #commits = new Map<bigint, string>();
  readonly #stop = new AbortController();
  #paused: Promise<void> = Promise.resolve();
  #resume: (() => void) | undefined;
  #busy = 0;
  #failed: unknown;
  #clients: Promise<void>[] = [];

  static start(ctx: Context, connection: ConnectionOptions, clients: number): BookingLoad {
    const load = new BookingLoad();
    load.#clients = Array.from({ length: clients }, (_, client) => load.#run(ctx, connection, client));
    // a client's failure shows at the next check
    for (const running of load.#clients) running.catch((error: unknown) => (load.#failed = error));
    return load;
  }

  /** Commits that were acknowledged so far. */
  get commits(): CommitLog {
    return this.#commits;
  }

  /** Throws what a client failed with, if one did. */
  async check(): Promise<void> {
    if (this.#failed !== undefined) await Promise.all(this.#clients);
  }

  /** Lets the clients finish what they are at and wait; resolves when nothing is under way. */
  async pause(ctx: Context): Promise<void> {
    if (this.#resume === undefined) this.#paused = new Promise((resolve) => (this.#resume = resolve));
    while (this.#busy > 0) await ctx.clock.sleep(2, ctx.signal);
  }

  resume(): void {
    this.#resume?.();
    this.#resume = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.resume();
    await Promise.allSettled(this.#clients);
  }

  async #run(ctx: Context, connection: ConnectionOptions, client: number): Promise<void> {
    await using sql = await openSqlConnection(ctx, connection);
    for (let number = 0; !this.#stop.signal.aborted; number++) {
      await this.#paused;
      if (this.#stop.signal.aborted) return;
      this.#busy++;
      try {
        await this.#book(sql, `booking ${client}-${number}`);
      } finally {
        this.#busy--;
      }
      await ctx.clock.sleep(3, ctx.signal);
    }
  }

  async #book(sql: SqlConnection, title: string): Promise<void> {
    const description = `${title} ${hash('sha256', title)}`;
    const row = await sql.queryOne<SqlRow & { id: bigint }>(
      `INSERT INTO public.events (source, venue_id, title, description, details, starts_at, created_at)
         VALUES ('manual', 1, $1, $2, '{"kind": "booking"}', now(), now()) RETURNING id`,
      [title, description],
    );
    this.#commits.set(row.id, rowHash(title, description));
  }
}

/** Compares the bookings in a recovered database with what was acknowledged before the recovery target. */
export async function compareBookings(
  sql: SqlConnection,
  expected: CommitLog,
): Promise<{ missing: number; unexpected: number; changed: number }> {
  const rows = await sql.query<SqlRow & { id: bigint; title: string; description: string }>(
    `SELECT id, title, description FROM public.events WHERE details = '{"kind": "booking"}'`,
  );
  const found = new Map(rows.map(({ id, title, description }) => [id, rowHash(title, description)]));
  const missing = [...expected.keys()].filter((id) => !found.has(id)).length;
  const unexpected = [...found.keys()].filter((id) => !expected.has(id)).length;
  const changed = [...expected].filter(([id, value]) => found.has(id) && found.get(id) !== value).length;
  return { missing, unexpected, changed };
}

/** One hash over every row of a table, whatever their order. */
export async function tableHash(sql: SqlConnection, table: string): Promise<string> {
  const row = await sql.queryOne<SqlRow & { hash: string }>(
    `SELECT count(*) || ' rows ' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) AS hash FROM ${table} AS t`,
  );
  return row.hash;
}

function rowHash(title: string, description: string): string {
  return hash('sha256', `${title}\0${description}`);
}
