import { writeFile } from 'node:fs/promises';
import { giveToServer } from '../../src/testing/postgresServer.ts';
import type { Cluster } from '../../src/testing/postgresServer.ts';
import { type Bench, type CaseResult, measureCase } from './bench.ts';
import { type Command, runCommand } from './command.ts';
import { type DataSet, openDataSet } from './dataSets.ts';
import { treeBytes } from './fileTree.ts';
import type { Work } from './measure.ts';
import type { Participant } from './rounds.ts';
import { understudyCommand } from './tools/understudy.ts';

export const dumpWorks = {
  first: 'first dump',
  day: 'next dump: 1 % of the rows new or changed, the newest',
  random: 'next dump: 1 % of the rows changed, anywhere',
  table: 'one small table restored',
} as const;

export interface DumpedSet {
  readonly set: DataSet;
  /** What is restored alone. */
  readonly smallTable: string;
  /** Statements that change 1 % of the rows, VACUUM after them; undefined: only the first dump and the table. */
  readonly changes?: { readonly day: readonly string[]; readonly random: readonly string[] };
}

const tables = {
  users: { update: 'last_seen_at = now()', identity: 'id' },
  venues: { update: 'capacity = capacity + 1', identity: 'id' },
  events: { update: 'price_cents = price_cents + 100, description = description || title', identity: 'id' },
  tickets: { update: `status = 'used', scanned_at = now()`, identity: 'id' },
  audit_log: { update: 'remark = reverse(remark)', identity: undefined },
} as const;

/** Changes of the realistic data set. */
export const eventsChanges = {
  day: Object.entries(tables).flatMap(([table, { update, identity }]) => [
    // the newest rows lie at the end of the table
    `UPDATE ${table} SET ${update} WHERE ctid >= (SELECT format('(%s,0)', floor(pg_relation_size('${table}')
       / 8192 * 0.995)::bigint)::tid)`,
    insertCopies(table, identity),
    `VACUUM ${table}`,
  ]),
  random: Object.entries(tables).flatMap(([table, { update }]) => [
    `UPDATE ${table} SET ${update} WHERE random() < 0.01`,
    `VACUUM ${table}`,
  ]),
};

/** What a dump stores when a little has changed, and what is read to get one table back. */
export async function measureDumps(bench: Bench, dumped: DumpedSet): Promise<CaseResult[]> {
  if (!bench.options.cases.includes('dump')) return [];
  const { set } = dumped;
  bench.report(`data set ${set.title}, scale ${set.scale}`);
  await using cluster = await openDataSet(bench.signal, bench.workspace, set);
  const desk = await DumpDesk.open(bench, cluster, dumped);
  const measured = await measureCase(bench, {
    case: 'dump',
    dataSet: set.title,
    sourceBytes: await desk.databaseBytes(),
    serverProcessIds: cluster.pid === undefined ? [] : [cluster.pid],
    participants: desk.participants(),
  });
  return [measured];
}

class DumpDesk {
  readonly #bench: Bench;
  readonly #cluster: Cluster;
  readonly #dumped: DumpedSet;
  readonly #repository: string;
  readonly #configuration: string;
  #isDumped = false;
  #tables = 0;

  private constructor(bench: Bench, cluster: Cluster, dumped: DumpedSet) {
    this.#bench = bench;
    this.#cluster = cluster;
    this.#dumped = dumped;
    this.#repository = bench.workspace.join('dumps', 'repository');
    this.#configuration = bench.workspace.join('dumps', 'understudy.yaml');
  }

  static async open(bench: Bench, cluster: Cluster, dumped: DumpedSet): Promise<DumpDesk> {
    const desk = new DumpDesk(bench, cluster, dumped);
    await cluster.sql('DROP DATABASE IF EXISTS restored'); // of data that were kept
    await cluster.sql('CREATE DATABASE restored TEMPLATE template0');
    await desk.#createRepository();
    return desk;
  }

  async databaseBytes(): Promise<number> {
    const [row] = await this.#cluster.sql<{ bytes: string }>(`SELECT pg_database_size('postgres')::text AS bytes`);
    return Number(row?.bytes);
  }

  participants(): Participant[] {
    const { changes } = this.#dumped;
    const all: Participant[] = [
      {
        name: dumpWorks.first,
        prepare: () => this.#createRepository(),
        sources: [],
        work: this.#dump,
        inspect: () => Promise.resolve({ storedBytes: treeBytes(this.#repository) }),
      },
      ...(changes === undefined ? [] : [this.#next('day', changes.day), this.#next('random', changes.random)]),
    ];
    return [...all, this.#smallTable()];
  }

  #next(work: 'day' | 'random', statements: readonly string[]): Participant {
    let before = 0;
    return {
      name: dumpWorks[work],
      prepare: async () => {
        // rows in the order in which they came, no room between them: whatever an earlier run has changed
        await this.#cluster.sql('VACUUM FULL');
        await this.#createRepository();
        await this.#ensureDumped();
        for (const statement of statements) await this.#cluster.sql(statement);
        before = treeBytes(this.#repository);
      },
      sources: [],
      work: this.#dump,
      inspect: () => Promise.resolve({ storedBytes: treeBytes(this.#repository) - before }),
    };
  }

  #smallTable(): Participant {
    let readBytes = 0;
    return {
      name: dumpWorks.table,
      prepare: () => this.#ensureDumped(),
      sources: [this.#repository],
      work: async (run) => {
        const as = `restored_${++this.#tables}`;
        const words = ['restore', 'table', this.#dumped.smallTable, '--snapshot', 'latest', '--into', 'restored'];
        const { host, port, user } = this.#cluster.connection;
        const server = ['--host', host, '--port', String(port), '--user', user];
        readBytes = readByFamily(await run(counted(this.#command([...words, '--as', as, ...server, '--quiet']))));
      },
      inspect: () => Promise.resolve({ readBytes }),
    };
  }

  readonly #dump: Work = async (run) => {
    await run(this.#command(['backup', 'bench', '--quiet']));
    this.#isDumped = true;
  };

  async #ensureDumped(): Promise<void> {
    if (this.#isDumped) return;
    await this.#run(['backup', 'bench', '--quiet']);
    this.#isDumped = true;
  }

  async #createRepository(): Promise<void> {
    this.#isDumped = false;
    await this.#bench.workspace.emptyDirectory('dumps');
    const passwordFile = `${this.#configuration}.password`;
    const { host, port, user } = this.#cluster.connection;
    const file = {
      repository: { location: this.#repository, passwordFile },
      sources: { bench: { kind: 'dump', connection: { host, port, user }, databases: ['postgres'] } },
    };
    for (const [path, text] of [
      [passwordFile, 'bench\n'],
      [this.#configuration, JSON.stringify(file, null, 2)],
    ] as const) {
      await writeFile(path, text, { mode: 0o600 });
      await giveToServer(path);
    }
    await this.#run(['init']);
  }

  #command(words: readonly string[]): Command {
    return understudyCommand(this.#bench.program, this.#configuration, words);
  }

  #run(words: readonly string[]): Promise<string> {
    return runCommand(this.#bench.signal, this.#command(words));
  }
}

/** Prints at its end what it and all that it started have read: also its own program, and what one hands the other. */
function counted(command: Command): Command {
  return { ...command, words: ['sh', '-c', '"$0" "$@" || exit; cat /proc/$$/io', ...command.words] };
}

function readByFamily(printed: string): number {
  return Number(/^rchar: (\d+)$/m.exec(printed)?.[1]);
}

/** New rows like old ones, half a percent of them. */
function insertCopies(table: string, identity: string | undefined): string {
  const columns = `(SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = '${table}'::regclass AND attnum > 0 AND attname <> 'id')`;
  const email = table === 'users' ? `replace(columns, 'email', 'random_uuid()::text')` : 'columns';
  const ids = identity === undefined ? ['', ''] : ['id, ', 'random_uuid(), '];
  return `DO $do$ DECLARE columns text := ${columns}; BEGIN
    EXECUTE format('INSERT INTO ${table} (${ids[0]}%s) SELECT ${ids[1]}%s FROM ${table} WHERE random() < 0.005',
      columns, ${email});
  END $do$`;
}
