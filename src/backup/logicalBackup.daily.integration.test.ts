// needs PostgreSQL's client programs
import { expect, test } from 'vitest';
import { dumpBench } from '../testing/dumpBench.ts';
import { createCluster } from '../testing/postgresServer.ts';

test('a day of new and recent rows stores a small part of what the first dump stored', async () => {
  await using cluster = await createCluster();
  await using bench = await dumpBench(cluster);
  const insert = (from: number, to: number): string => `
    insert into notes select n, timestamptz '2026-01-01 00:00:00+00' + n * interval '1 minute',
      jsonb_build_object('author', n % 97, 'tags', array[md5(n::text), 'daily']),
      (select string_agg(md5((n * w)::text), ' ') from generate_series(1, 6) as w)
    from generate_series(${from}, ${to}) as n`;
  await cluster.sql('create table notes (id int primary key, at timestamptz, facts jsonb, body text)');
  await cluster.sql(insert(1, 60_000));
  const first = await bench.backup();
  expect(first.record.databases.flatMap(({ tables }) => tables.map(({ rows }) => rows))).toEqual([60_000]);

  const unchanged = await bench.backup();
  await cluster.sql('update notes set body = reverse(body) where id > 59700');
  await cluster.sql(insert(60_001, 60_300));
  const next = await bench.backup();

  const storedBytes = ({ totals }: typeof first): number => totals.storedBytes;
  expect(storedBytes(first)).toBeGreaterThan(4e6);
  expect(storedBytes(unchanged) / storedBytes(first)).toBeLessThan(0.01);
  expect(storedBytes(next) / storedBytes(first)).toBeLessThan(0.08);
});
