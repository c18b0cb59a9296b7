// needs PostgreSQL's client programs
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { createCluster } from '../testing/postgresServer.ts';
import { needs } from '../testing/needs.ts';
import { createRichDatabase } from '../testing/richDatabase.ts';
import { parseDumpRecord, type DumpedDatabase } from './dumpRecord.ts';
import {
  archivesIn,
  contentsOf,
  dumpBench,
  everything,
  loadParts,
  pgProgram,
  schemaText,
} from '../testing/dumpBench.ts';
import { tableHashes } from '../testing/tableHashes.ts';

const withRestic = needs('restic');

withRestic('the parts hold what one whole dump holds, and load into an equal database', async () => {
  await using cluster = await createCluster();
  await using bench = await dumpBench(cluster);
  await createRichDatabase(cluster);
  // a configuration table of an extension, of which a condition names the rows to dump
  await cluster.sql(`create database extended`);
  await using client = await cluster.connect({ database: 'extended' });
  await client.query(`
    create extension citext; create table settings (id int, ours boolean); create sequence settings_seq;
    insert into settings values (1, true), (2, false); alter extension citext add table settings;
    alter extension citext add sequence settings_seq;
    update pg_extension set extconfig = array['settings'::regclass, 'settings_seq'::regclass], extcondition = array['WHERE settings.ours', '']
     where extname = 'citext'`);
  const result = await bench.backup();
  const directory = await bench.restored(result);
  expect(parseDumpRecord(await readFile(join(directory, 'understudy.json')))).toEqual(result.record);
  for (const database of ['scenescout', 'extended']) {
    const whole = bench.path(`${database}.dump`);
    await pgProgram(cluster, 'pg_dump', ['-Fc', '-d', database, '-f', whole]);
    const parts = await Promise.all(
      (await archivesIn(join(directory, database))).map((path) => contentsOf(join(directory, database, path))),
    );
    expect(parts.flat().toSorted()).toEqual(await contentsOf(whole));
  }
  expect(result.record.databases.find(({ name }) => name === 'extended')?.tables).toMatchObject([
    { name: 'settings', extension: 'citext', rows: 1, dataDumped: true },
  ]);
  expect(await readFile(join(directory, 'globals.sql'), 'utf8')).toMatch(/ALTER ROLE rich_owner .*SCRAM-SHA-256/);

  await loadParts(cluster, join(directory, 'scenescout'), 'again');
  expect(await schemaText(cluster, 'again')).toBe(await schemaText(cluster, 'scenescout'));
  expect(await tableHashes(cluster, 'again')).toEqual(await tableHashes(cluster, 'scenescout'));
  const again = await bench.backup({ source: 'again', filters: { ...everything, databases: ['again'] } });
  const before = result.record.databases.find(({ name }) => name === 'scenescout')!;
  expect(comparable(again.record.databases[0]!)).toEqual(comparable(before));
});

/** What of a database's manifest stays the same when it is restored elsewhere. */
function comparable(database: DumpedDatabase): unknown {
  const { tables, sequences, constraints, policies, rowSecurity, grants, extensions, collations } = database;
  return {
    manifest: [sequences, constraints, policies, rowSecurity, grants, extensions, collations],
    largeObjectCount: database.largeObjectCount,
    tables: tables.map(({ archive: _archive, ...table }) => table),
  };
}
