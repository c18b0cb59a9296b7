import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isUnloggedContent, parseRelationPath, unloggedFileNumbers, type RelationFile } from './relationFile.ts';

const oid = fc.integer({ min: 1, max: 0xffff_ffff });
const fork = fc.constantFrom('main', 'fsm', 'vm', 'init');
const segment = fc.integer({ min: 0, max: 32767 });

function fileName(number: number, forkName: string, segmentNumber: number): string {
  return `${number}${forkName === 'main' ? '' : `_${forkName}`}${segmentNumber === 0 ? '' : `.${segmentNumber}`}`;
}

test('every relation path is read back', () => {
  fc.assert(
    fc.property(fc.tuple(oid, oid, oid), fork, segment, (oids, forkName, segmentNumber) => {
      const [tablespaceOid, databaseOid, fileNumber] = oids;
      const name = fileName(fileNumber, forkName, segmentNumber);
      const file = { fileNumber, fork: forkName, segment: segmentNumber, temporary: false };
      const place = { tablespaceOid: 1663, databaseOid };
      expect(parseRelationPath(`base/${databaseOid}/${name}`)).toEqual({ ...place, ...file });
      expect(parseRelationPath(`base/${databaseOid}/t7_${name}`)).toEqual({ ...place, ...file, temporary: true });
      expect(parseRelationPath(`global/${name}`)).toEqual({ tablespaceOid: 1664, databaseOid: 0, ...file });
      const elsewhere = `pg_tblspc/${tablespaceOid}/PG_15_202209061/${databaseOid}/${name}`;
      expect(parseRelationPath(elsewhere)).toEqual({ tablespaceOid, databaseOid, ...file });
    }),
  );
});

test.each([
  'base/5/PG_VERSION',
  'base/5/pg_filenode.map',
  'base/5/pg_internal.init',
  'base/5/0123',
  'base/5/0',
  'base/5/4294967296',
  'base/5/123.0',
  'base/5/123.01',
  'base/5/123_foo',
  'base/5/123_vm_fsm',
  'base/5/t3_123_',
  'base/5/t_123',
  'base/5/sub/123',
  'base/123',
  'global/t3_123',
  'global/pg_control',
  'pg_tblspc/16384/16385/123',
  'pg_wal/000000010000000000000001',
  'pg_xact/0000',
  '123',
  'old/base/5/123',
])('%s is not a relation', (path) => {
  expect(parseRelationPath(path)).toBeUndefined();
});

test('an unlogged relation is known by its init fork, and only that fork is kept', () => {
  const unlogged = unloggedFileNumbers(['16384', '16384_init', '16384_fsm', '16390', 't3_16399_init', 'PG_VERSION']);
  expect([...unlogged]).toEqual([16384]);
  const kept = (name: string) => !isUnloggedContent(parseRelationPath(`base/5/${name}`) as RelationFile, unlogged);
  expect(['16384_init', '16390'].every(kept)).toBe(true);
  expect(['16384', '16384.1', '16384_fsm', '16384_vm.1'].some(kept)).toBe(false);
});
