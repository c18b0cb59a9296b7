// needs PostgreSQL's client programs
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { needs } from '../testing/needs.ts';
import { createCluster, type Cluster } from '../testing/postgresServer.ts';
import { dumpBench, everything, loadParts } from '../testing/dumpBench.ts';

const accounts = 400;

/** Money that is moved between accounts of two tables until it is told to stop: the sum stays. */
async function transferMoney(cluster: Cluster, signal: AbortSignal): Promise<number> {
  await using client = await cluster.connect();
  let transfers = 0;
  for (; !signal.aborted; transfers++) {
    const [from, to] = [1 + (transfers % accounts), 1 + ((transfers * 7 + 3) % accounts)];
    await client.query('begin');
    await client.query('update checking set balance = balance - 7 where id = $1', [from]);
    await client.query('update saving set balance = balance + 7 where id = $1', [to]);
    await client.query(`insert into journal (amount) values (7)`);
    await client.query('commit');
  }
  return transfers;
}

needs('restic')('a dump under write load is of one moment, in every table and in its manifest', async () => {
  await using cluster = await createCluster();
  await using bench = await dumpBench(cluster);
  await cluster.sql(`
    create table checking as select g as id, 1000::bigint as balance from generate_series(1, ${accounts}) g;
    create table saving as select g as id, 1000::bigint as balance from generate_series(1, ${accounts}) g;
    create table journal (id serial primary key, amount bigint)`);
  const stop = new AbortController();
  const load = transferMoney(cluster, stop.signal);
  const filters = { ...everything, databases: ['postgres'] };
  await bench.backup({ layout: 'single', filters });
  const last = await bench.backup({ filters });
  stop.abort();
  expect(await load).toBeGreaterThan(100);
  await loadParts(cluster, join(await bench.restored(last), 'postgres'), 'moment');
  await using client = await cluster.connect({ database: 'moment' });
  const { rows } = await client.query<Record<string, string>>(`
    select (select sum(balance) from checking) + (select sum(balance) from saving) as money,
           (select sum(balance) from saving) - ${accounts * 1000} - (select sum(amount) from journal) as unaccounted,
           (select count(*) from journal) as journal,
           (select last_value >= max(id) from journal_id_seq, journal group by last_value) as ahead`);
  const journal = last.record.databases[0]?.tables.find(({ name }) => name === 'journal');
  expect(rows).toEqual([
    { money: String(2 * accounts * 1000), unaccounted: '0', journal: String(journal?.rows), ahead: true },
  ]);
  const again = await bench.backup({ filters: { ...everything, databases: ['moment'] } });
  const hashes = (of: typeof last) =>
    of.record.databases[0]?.tables.map(({ name, rows: count, contentHash }) => ({ name, count, contentHash }));
  expect(hashes(again)).toEqual(hashes(last));
});

test('a second dump stores about what changed, by rows and by tables', async () => {
  await using cluster = await createCluster();
  await using bench = await dumpBench(cluster);
  await cluster.sql(`
    create table large as
      select g as id, md5(g::text) || md5((g + 1)::text) || md5((g * 3)::text) as text
        from generate_series(1, 200000) g;
    create table small as select g as id, md5((-g)::text) as text from generate_series(1, 500) g;
    create table empty_table (id int)`);
  await cluster.sql('create database untouched');
  const first = await bench.backup();
  expect(first.record.databases.map(({ name }) => name)).toEqual(['postgres', 'untouched']);
  const { tables } = first.record.databases[0]!;
  expect(tables.map(({ name, rows }) => ({ name, rows }))).toEqual([
    { name: 'empty_table', rows: 0 },
    { name: 'large', rows: 200_000 },
    { name: 'small', rows: 500 },
  ]);
  expect(first.record.databases[1]).toMatchObject({ tables: [], preData: { path: 'untouched/pre-data.dump' } });
  const unchanged = await bench.backup();
  await cluster.sql('update large set text = md5(text) || text where id between 150001 and 152000');
  const second = await bench.backup();
  const share = (result: typeof first) => result.totals.addedBytes / first.totals.addedBytes;
  expect(share(unchanged)).toBeLessThan(0.01);
  expect(share(second)).toBeLessThan(0.15);
});
