import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createCluster, type Cluster } from '../testing/postgresServer.ts';
import { postgresMajors } from '../testing/postgresBinaries.ts';
import { startCommitLoad } from '../testing/commitLoad.ts';
import { parseLsn } from './lsn.ts';
import { walEventOf, type WalEvent } from './walEvent.ts';
import { WalReader } from './walReader.ts';
import { isWalSegmentName, segmentRange } from './walSegment.ts';

const segmentBytes = 1024 * 1024;

/** Every segment with WAL, in order. */
function segments(cluster: Cluster): { name: string; begin: bigint; content: Buffer }[] {
  const directory = join(cluster.dataDirectory, 'pg_wal');
  const names = readdirSync(directory).filter(isWalSegmentName).toSorted();
  return names.map((name) => {
    return { name, begin: segmentRange(name, segmentBytes).begin, content: readFileSync(join(directory, name)) };
  });
}

function readAll(cluster: Cluster, from = 0): { events: WalEvent[]; records: number; end: bigint } {
  const reader = new WalReader();
  const events: WalEvent[] = [];
  let records = 0;
  let end = 0n;
  for (const { begin, content } of segments(cluster).slice(from)) {
    for (const record of reader.read(content, begin as never)) {
      records++;
      end = record.end;
      const event = walEventOf(record, cluster.major);
      if (event !== undefined) events.push(event);
    }
  }
  expect(reader.ended).toBe(true);
  return { events, records, end };
}

test.each(postgresMajors)(
  'PostgreSQL %d: transactions, restore points and the end of WAL are those of the server',
  async (major) => {
    await using cluster = await createCluster({
      major,
      initdbArguments: ['--wal-segsize=1'],
      settings: { max_prepared_transactions: 5, wal_keep_size: '1GB', autovacuum: false },
    });
    await cluster.sql(`create table big (id int, text text)`);
    await cluster.sql(`begin; insert into big values (1, 'x'); savepoint s; insert into big values (2, 'y');
    create table other (id int); select txid_current()`);
    await using session = await cluster.connect();
    const prepared: number[] = [];
    for (const [id, end] of [
      ['one', 'commit'],
      ['two', 'rollback'],
    ] as const) {
      await session.query('begin');
      await session.query('savepoint s');
      await session.query('create table t_' + id + ' (id int primary key, t text)');
      const { rows } = await session.query<{ xid: string }>('select txid_current()::text as xid');
      prepared.push(Number(rows[0]!.xid));
      await session.query(`prepare transaction '${id}'`);
      await session.query(`${end} prepared '${id}'`);
    }
    await using load = await startCommitLoad(cluster, { clients: 2, pauseMs: 1 });
    await load.advance(50);
    const mark = await load.mark('ein Punkt "ü"');
    // records that span pages and segments, and padding behind a switch
    await cluster.sql(`select pg_logical_emit_message(false, 'm', repeat('z', 2500000))`);
    await cluster.sql(`insert into big select g, repeat(md5(g::text), 50) from generate_series(1, 3000) g`);
    await cluster.sql('select pg_switch_wal()');
    await load.advance(50);
    await load.stop();
    const [row] = await cluster.sql<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    await cluster.stop('immediate');

    const { events, records, end } = readAll(cluster);
    expect(records).toBeGreaterThan(3000);
    expect(end).toBeGreaterThanOrEqual(parseLsn(row!.lsn));
    const ends = new Map(
      events.flatMap((event) => (event.kind === 'restore-point' ? [] : [[event.xid, event] as const])),
    );
    for (const entry of load.log.entries) {
      const found = ends.get(Number(entry.xid));
      expect(found?.kind).toBe('commit');
      expect(Number(found!.timeUs / 1000n)).toBeGreaterThanOrEqual(entry.sentAtMs);
      expect(Number(found!.timeUs / 1000n)).toBeLessThanOrEqual(entry.ackedAtMs!);
      expect(found!.begin).toBeGreaterThanOrEqual(entry.lsnBefore);
      expect(found!.end).toBeLessThanOrEqual(entry.lsnAfter!);
    }
    expect(ends.get(prepared[0]!)?.kind).toBe('commit');
    expect(ends.get(prepared[1]!)?.kind).toBe('abort');
    const point = events.find((event) => event.kind === 'restore-point');
    expect(point).toMatchObject({ name: mark.name });
    expect(point!.begin).toBeGreaterThanOrEqual(mark.lsn);

    const later = readAll(cluster, 2); // a cold start, in the middle of whatever record is there
    expect(later.end).toBe(end);
    expect(events.slice(-later.events.length)).toEqual(later.events);

    const newest = segments(cluster).findLast(({ begin }) => begin <= end)!;
    const read = () => [...new WalReader().read(newest.content, newest.begin as never)];
    const sound = read();
    const victim = sound[sound.length >> 1]!;
    newest.content[Number(victim.begin - newest.begin) + 25]! ^= 0x01;
    expect(read().map((record) => record.begin)).toEqual(
      sound.slice(0, sound.length >> 1).map((record) => record.begin),
    );
  },
);
