import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { idWords } from '../blobTable.ts';
import { parseIndex, serializeIndex, type IndexedPack } from './indexDocument.ts';
import { scanIndex } from './indexScanner.ts';
import { RepositoryIndex } from './repositoryIndex.ts';

const number = fc.integer({ min: 0, max: 0xffffffff });
const blob = fc.record({
  type: fc.constantFrom('data', 'tree'),
  id: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
  offset: number,
  length: number,
  rawLength: number,
});
const packs = fc.array(
  fc.record({
    id: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex')),
    blobs: fc.array(blob, { minLength: 1, maxLength: 5 }),
  }),
  { maxLength: 4 },
) as fc.Arbitrary<IndexedPack[]>;

function scanned(json: Buffer): IndexedPack[] | undefined {
  const found: { id: string; blobs: IndexedPack['blobs'][number][] }[] = [];
  const complete = scanIndex(json, {
    pack: (id) => found.push({ id, blobs: [] }) - 1,
    blob: (type, id, { pack, ...location }) => {
      found[pack]!.blobs.push({ type, id: Buffer.from(id.slice().buffer), ...location });
    },
  });
  return complete ? found : undefined;
}

test('an index document comes back as it was, from the parser and from the scanner', () => {
  fc.assert(
    fc.property(packs, (expected) => {
      const json = serializeIndex(expected);
      expect(parseIndex(json)).toEqual(expected);
      expect(scanned(json)).toEqual(expected);
    }),
  );
});

test('a document of many blobs takes them one by one and lists them as JSON does', () => {
  const count = 3000;
  const id = Buffer.alloc(32);
  // one object, changed for each blob: whoever collects them first lists the last one every time
  const shared = { type: 'data' as const, id, offset: 0, length: 50, rawLength: 0 };
  function* manyBlobs(from: number): Generator<typeof shared> {
    for (let nth = from; nth < from + count; nth++) {
      id.writeUInt32BE(nth);
      yield Object.assign(shared, { offset: nth * 50, rawLength: (nth % 2) * 100 });
    }
  }
  const idOf = (nth: number): string => nth.toString(16).padStart(8, '0') + '0'.repeat(56);
  const packIds = ['a'.repeat(64), 'b'.repeat(64)];
  const listed = packIds.map((packId, pack) => ({
    id: packId,
    blobs: Array.from({ length: count }, (_, index) => pack * count + index).map((nth) => ({
      id: idOf(nth),
      type: 'data',
      offset: nth * 50,
      length: 50,
      ...(nth % 2 === 0 ? {} : { uncompressed_length: 100 }),
    })),
  }));
  const json = serializeIndex(packIds.map((packId, pack) => ({ id: packId, blobs: manyBlobs(pack * count) })));
  expect(json.toString() === JSON.stringify({ packs: listed })).toBe(true);
});

test('the scanner declines every other shape, and the parser reads it or refuses', () => {
  const id = randomBytes(32).toString('hex');
  const spaced = `{ "packs": [ {"id":"${id}","blobs":[{"id":"${id}","type":"data","offset":0,"length":99}]} ] }`;
  const superseding = `{"supersedes":["${id}"],"packs":[{"id":"${id}","blobs":[{"id":"${id}","type":"data","offset":0,"length":99}]}]}`;
  for (const text of [spaced, superseding]) {
    expect(scanned(Buffer.from(text))).toBeUndefined();
    const index = new RepositoryIndex();
    index.addDocument(Buffer.from(text));
    expect(index.find('data', id)).toMatchObject({ packId: id, length: 99 });
  }
  for (const text of [
    '',
    '{',
    '{"packs":[{"id":"x","blobs":[]}]}',
    spaced.replace('99', '-1'),
    spaced.replace('99', '4294967296'),
  ]) {
    expect(() => new RepositoryIndex().addDocument(Buffer.from(text))).toThrow(/index document is damaged/);
  }
});

test('a document cut off anywhere is refused, never half of it taken for the whole', () => {
  const json = serializeIndex([
    { id: 'a'.repeat(64), blobs: [{ type: 'data', id: Buffer.alloc(32, 7), offset: 0, length: 50, rawLength: 0 }] },
  ]);
  for (let length = 0; length < json.length; length++) {
    expect(scanned(json.subarray(0, length))).toBeUndefined();
    expect(() => new RepositoryIndex().addDocument(json.subarray(0, length))).toThrow(/damaged/);
  }
  expect(idWords(Buffer.alloc(32, 7))[0]).toBe(0x07070707);
});
