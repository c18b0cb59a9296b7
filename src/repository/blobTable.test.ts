import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlobTable, idWords } from './blobTable.ts';

function idOf(value: number): Uint32Array {
  return idWords(createHash('sha256').update(String(value)).digest());
}

test('an id is claimed once, found afterwards, and absent ids are not found', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(500), { maxLength: 400 }), (values) => {
      const table = BlobTable.create(1000);
      const seen = new Map<number, number>();
      for (const value of values) {
        const entry = table.claim(idOf(value));
        const known = seen.get(value);
        if (known === undefined) {
          expect(entry).toBe(seen.size);
          seen.set(value, entry);
        } else expect(entry).toBe(~known);
      }
      for (let value = 0; value <= 500; value++) expect(table.find(idOf(value))).toBe(seen.get(value) ?? -1);
    }),
  );
});

test('a claimed entry has no location until it is set, and a grown table keeps everything', () => {
  const table = BlobTable.create(10);
  const entry = table.claim(idOf(1));
  expect(table.location(entry)).toBeUndefined();
  table.setLocation(entry, { pack: 3, offset: 4_000_000_000, length: 5, rawLength: 0 });
  table.claim(idOf(2));
  const grown = table.grownTo(5000);
  expect(grown.location(grown.find(idOf(1)))).toEqual({ pack: 3, offset: 4_000_000_000, length: 5, rawLength: 0 });
  expect(grown.location(grown.find(idOf(2)))).toBeUndefined();
  expect(grown.capacity).toBeGreaterThanOrEqual(5000);
});

test('ids that share their first word are told apart', () => {
  const table = BlobTable.create(10);
  const [a, b] = [randomBytes(32), randomBytes(32)];
  a.copy(b, 0, 0, 31);
  b[31] = a[31]! ^ 1;
  const first = table.claim(idWords(a));
  expect(table.claim(idWords(b))).not.toBe(~first);
  expect(table.find(idWords(a))).toBe(first);
});
