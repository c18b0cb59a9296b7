import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { type CommitEntry, CommitLog, type CommitMark, type ExpectedRows, payloadOf } from './commitLog.ts';
import type { Cluster } from './postgresServer.ts';

export interface CommitLoadOptions {
  /** Concurrent connections; default 4. */
  readonly clients?: number;
  /** Size of a row's text; default 200. */
  readonly rowBytes?: number;
  /** Rest of each client between two transactions; default 2 ms. */
  readonly pauseMs?: number;
  /** Goes on with the numbers and entries of an earlier load, e.g. on a promoted standby. */
  readonly log?: CommitLog;
}

type OpenTransaction = Omit<CommitEntry, 'sentAtMs' | 'ackedAtMs' | 'lsnAfter'>;

/** The difference between a recovered cluster and what it has to hold; all empty when it is right. */
export interface Differences {
  readonly missing: readonly number[];
  readonly unexpected: readonly number[];
  readonly changed: readonly number[];
  /** Clients whose account disagrees with their rows: a transaction was applied in part. */
  readonly torn: readonly number[];
}

export const noDifferences: Differences = { missing: [], unexpected: [], changed: [], torn: [] };

/**
 * Starts clients that each, in one transaction after the other, insert a numbered row and count it in their account,
 * and log what they did. Disposing stops them. When the server dies they end; that is not an error.
 */
export async function startCommitLoad(cluster: Cluster, options: CommitLoadOptions = {}): Promise<CommitLoad> {
  const clients = options.clients ?? 4;
  await cluster.sql(`
    create table if not exists commit_load (sequence bigint primary key, client int not null, payload text not null);
    create table if not exists commit_load_account (client int primary key, commits bigint not null);
    insert into commit_load_account select n, 0 from generate_series(0, ${clients}) n on conflict do nothing`);
  const load = new CommitLoad(cluster, options);
  await load.open(clients);
  return load;
}

export class CommitLoad implements AsyncDisposable {
  readonly log: CommitLog;
  readonly #cluster: Cluster;
  readonly #rowBytes: number;
  readonly #pauseMs: number;
  readonly #running: Promise<void>[] = [];
  /** Commits wait for it: while a mark is taken, none is in flight. */
  #gate: PromiseWithResolvers<void> | undefined;
  #commitsInFlight = new Set<Promise<void>>();
  #stopped = false;

  constructor(cluster: Cluster, options: CommitLoadOptions) {
    this.#cluster = cluster;
    this.log = options.log ?? new CommitLog();
    this.#rowBytes = options.rowBytes ?? 200;
    this.#pauseMs = options.pauseMs ?? 2;
  }

  async open(clients: number): Promise<void> {
    for (let number = 1; number <= clients; number++) {
      const client = await this.#cluster.connect({ application_name: 'commit-load' });
      this.#running.push(this.#runClient(client, number));
    }
  }

  /** Resolves when this many transactions more have been acknowledged. */
  async advance(transactions: number): Promise<void> {
    const goal = this.#acknowledged() + transactions;
    while (this.#acknowledged() < goal) {
      if (this.#stopped) throw new Error('the load has ended');
      await delay(5);
    }
  }

  /**
   * Holds all commits back (transactions stay open, their rows already inserted), commits one row of its own, and
   * notes the moment in every way a recovery target can name it, two milliseconds away from any commit on both sides.
   */
  async mark(name: string): Promise<CommitMark> {
    this.#gate = Promise.withResolvers<void>();
    try {
      await Promise.all(this.#commitsInFlight);
      await using client = await this.#cluster.connect();
      const entry = await this.#transaction(client, 0);
      await this.#commit(client, entry);
      await delay(3);
      const time = new Date();
      const lsn = await currentLsn(client);
      await client.query('select pg_create_restore_point($1)', [name]); // after it: no commit record right at `lsn`
      await delay(3);
      const expected = { must: this.log.expectedNow().must, may: new Set<number>() };
      return { time, lsn, xid: entry.xid, xidSequence: entry.sequence, name, expected };
    } finally {
      this.#gate.resolve();
      this.#gate = undefined;
    }
  }

  /** Lets the running transactions finish. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #runClient(client: pg.Client & AsyncDisposable, number: number): Promise<void> {
    await using _closed = client;
    try {
      while (!this.#stopped) {
        const entry = await this.#transaction(client, number);
        while (this.#gate !== undefined) await this.#gate.promise;
        const commit = this.#commit(client, entry);
        const settled = commit.catch(() => undefined);
        this.#commitsInFlight.add(settled);
        await commit.finally(() => this.#commitsInFlight.delete(settled));
        await delay(this.#pauseMs);
      }
    } catch {
      this.#stopped = true; // the server is gone; what was in flight stays without acknowledgement
    }
  }

  async #transaction(client: pg.Client, number: number): Promise<OpenTransaction> {
    const sequence = this.log.nextSequence();
    await client.query('begin');
    await client.query('insert into commit_load values ($1, $2, $3)', [
      sequence,
      number,
      payloadOf(sequence, this.#rowBytes),
    ]);
    await client.query('update commit_load_account set commits = commits + 1 where client = $1', [number]);
    const { rows } = await client.query<{ xid: string; lsn: string }>(
      `select txid_current()::text as xid, (pg_current_wal_insert_lsn() - '0/0')::text as lsn`,
    );
    const [row] = rows;
    if (row === undefined) throw new Error('no row');
    return { sequence, client: number, xid: BigInt(row.xid), lsnBefore: BigInt(row.lsn) };
  }

  async #commit(client: pg.Client, begun: OpenTransaction): Promise<void> {
    const entry: CommitEntry = { ...begun, sentAtMs: Date.now() };
    this.log.entries.push(entry);
    await client.query('commit');
    entry.ackedAtMs = Date.now();
    entry.lsnAfter = await currentLsn(client);
  }

  #acknowledged(): number {
    return this.log.entries.filter((entry) => entry.ackedAtMs !== undefined).length;
  }
}

/** The numbers of the rows in a recovered cluster. */
export async function presentRows(cluster: Cluster): Promise<Set<number>> {
  const rows = await cluster.sql<{ sequence: string }>('select sequence from commit_load');
  return new Set(rows.map((row) => Number(row.sequence)));
}

/** Compares a recovered cluster, row for row, with what the log says. */
export async function compareWithLog(cluster: Cluster, expected: ExpectedRows, rowBytes = 200): Promise<Differences> {
  const rows = await cluster.sql<{ sequence: string; payload: string }>('select sequence, payload from commit_load');
  const present = new Set(rows.map((row) => Number(row.sequence)));
  const torn = await cluster.sql<{ client: number }>(`
    select client from commit_load_account a
    where commits <> (select count(*) from commit_load l where l.client = a.client) order by client`);
  return {
    missing: [...expected.must.difference(present)],
    unexpected: [...present].filter((sequence) => !expected.must.has(sequence) && !expected.may.has(sequence)),
    changed: rows
      .filter((row) => row.payload !== payloadOf(Number(row.sequence), rowBytes))
      .map((row) => Number(row.sequence)),
    torn: torn.map((row) => row.client),
  };
}

async function currentLsn(client: pg.Client): Promise<bigint> {
  const { rows } = await client.query<{ lsn: string }>(`select (pg_current_wal_insert_lsn() - '0/0')::text as lsn`);
  return BigInt(rows[0]?.lsn ?? 0);
}
