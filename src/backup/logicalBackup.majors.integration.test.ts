// needs PostgreSQL's client programs
import { expect, test } from 'vitest';
import { postgresMajors } from '../testing/postgresBinaries.ts';
import { createCluster } from '../testing/postgresServer.ts';
import { createRichDatabase } from '../testing/richDatabase.ts';
import { makeStandby } from '../testing/standby.ts';
import { waitFor } from '../testing/waitFor.ts';
import type { DumpedDatabase } from './dumpRecord.ts';
import { dumpBench, everything, meddlingPrograms } from '../testing/dumpBench.ts';

const newestRealDump = 15;

/** Of a database, what is the same on every major. */
function manifest(database: DumpedDatabase): unknown {
  const { tables, sequences, policies, rowSecurity, largeObjectCount } = database;
  return {
    definitions: [sequences, policies, rowSecurity, largeObjectCount],
    tables: tables.map(({ archive: _archive, ...table }) => table),
  };
}

test(
  'every major is dumped, and the same rows have the same manifest on all of them',
  { timeout: 120_000 },
  async () => {
    const manifests = new Map<number, unknown>();
    for (const major of postgresMajors) {
      await using cluster = await createCluster({ major });
      await createRichDatabase(cluster);
      await using bench = await dumpBench(cluster);
      // where the machine has no pg_dump so new, a stand-in: the rest of the backup is the same
      const standIn = `case "$1" in --version) echo "pg_dump (PostgreSQL) ${major}.1";; *) echo archive;; esac; exit`;
      const programDirectories =
        major <= newestRealDump ? [] : [await meddlingPrograms(bench.path('programs'), standIn)];
      const filters = { ...everything, databases: ['scenescout'] };
      const { record } = await bench.backup({ filters, programDirectories, layout: 'single' });
      expect(record).toMatchObject({
        fromStandby: false,
        notCaptured: [{ what: 'data of foreign table public.far_away' }],
      });
      expect(Math.floor(record.serverVersion / 10_000)).toBe(major);
      manifests.set(major, manifest(record.databases[0]!));
    }
    for (const [major, one] of manifests) expect(one, `PostgreSQL ${major}`).toEqual(manifests.get(15));
  },
);

test('a standby is dumped as its primary, but for what it has no data of', async () => {
  await using primary = await createCluster();
  await createRichDatabase(primary);
  await using standby = await makeStandby(primary);
  await primary.sql('create table newest as select 1 as id');
  await waitFor(async () => (await standby.sql(`select from pg_class where relname = 'newest'`)).length === 1, {
    what: 'replay',
  });
  await using bench = await dumpBench(standby);
  const filters = { ...everything, databases: ['scenescout'] };
  const { record } = await bench.backup({ filters });
  expect(record.fromStandby).toBe(true);
  expect(record.notCaptured.map(({ what, expected }) => ({ what, expected }))).toEqual([
    { what: 'data of foreign table public.far_away', expected: true },
    { what: 'data of table public.not_logged', expected: true },
  ]);
  const of = record.databases[0]?.tables.find(({ name }) => name === 'not_logged');
  expect(of).toMatchObject({ unlogged: true, dataDumped: false, archive: null, rows: null });
});
