import { hash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { BlobTable, idWords } from '../blobTable.ts';
import { generateMasterKey } from '../crypto/masterKey.ts';
import { Sealer } from '../crypto/sealer.ts';
import { ZstdCompressor } from '../crypto/zstd.ts';
import { PackBuilder } from './packBuilder.ts';

const contents: [string, Buffer][] = [
  ['a small blob', Buffer.from('a row')],
  ['noise, which is stored plain', randomBytes(700_000)],
  ['what becomes smaller', Buffer.from(randomBytes(700_000).toString('hex'))],
  ['what becomes next to nothing', Buffer.alloc(3_000_000, 'page')],
];

test.each(contents)('%s is read back before it is stored, and has to be what was claimed', (_, plain) => {
  const table = BlobTable.create(10);
  const builder = new PackBuilder({
    type: 'data',
    sealer: new Sealer(generateMasterKey()),
    compressor: new ZstdCompressor('default'),
    table,
    targetBytes: 16 * 1024 * 1024,
    readBack: 'all',
    nextPackNumber: () => 0,
  });
  const claim = (bytes: Buffer): number => table.claim(idWords(hash('sha256', bytes, 'buffer')));
  const entry = claim(plain);
  builder.add(entry, plain);
  const other = Buffer.from(plain);
  other[plain.length - 1]! ^= 1;
  expect(() => builder.add(claim(other), plain)).toThrow(/read back .* differs from its source/);
  expect([...builder.finish().entries]).toEqual([entry]);
});
