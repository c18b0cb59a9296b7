import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseChunkChecksums, serializeChunkChecksums } from './chunkChecksums.ts';

const checksums = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.array(fc.nat(0xffffffff), { maxLength: 9 })))
  .map((files) => new Map(files.map(([path, crcs]) => [Buffer.from(path).toString('latin1'), Uint32Array.from(crcs)])));

test('checksums come back as they were, whatever the order of the files', () => {
  fc.assert(
    fc.property(checksums, (files) => {
      const bytes = serializeChunkChecksums(files);
      expect(parseChunkChecksums(bytes)).toEqual(files);
      expect(serializeChunkChecksums(new Map([...files].toReversed()))).toEqual(bytes);
    }),
  );
});

test('a list cut off or of another kind is refused', () => {
  const bytes = serializeChunkChecksums(new Map([['base/1/1259', Uint32Array.of(1, 2, 3)]]));
  for (let length = 0; length < bytes.length; length++) {
    if (length === 8) continue; // an empty list
    expect(() => parseChunkChecksums(bytes.subarray(0, length))).toThrow(/is damaged/);
  }
});
