import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c, crc32cAppender, crc32cCombine } from './crc32c.ts';

const bytes = fc.uint8Array({ maxLength: 5000 });

test('the check value of CRC-32C, whole and in two pieces', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(Buffer.from('6789'), crc32c(Buffer.from('12345')))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(0))).toBe(0);
});

test('combining equals computing over the joined bytes', () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const joined = crc32c(Buffer.concat([a, b]));
      expect(crc32cCombine(crc32c(a), crc32c(b), b.length)).toBe(joined);
      expect(crc32cAppender(b.length)(crc32c(a), crc32c(b))).toBe(joined);
    }),
  );
});

test('a file of equal chunks and a shorter last one', () => {
  const file = Buffer.alloc(300_000, 'understudy');
  const chunkBytes = 65_536;
  const append = crc32cAppender(chunkBytes);
  let crc = 0;
  for (let at = 0; at < file.length; at += chunkBytes) {
    const chunk = file.subarray(at, at + chunkBytes);
    crc = chunk.length === chunkBytes ? append(crc, crc32c(chunk)) : crc32cCombine(crc, crc32c(chunk), chunk.length);
  }
  expect(crc).toBe(crc32c(file));
});

test('lengths beyond 32 bits: appending twice equals appending once', () => {
  const crc = fc.integer({ min: 0, max: 0xffff_ffff });
  const length = fc.integer({ min: 0, max: 2 ** 51 });
  fc.assert(
    fc.property(crc, length, length, (start, first, second) => {
      const stepwise = crc32cCombine(crc32cCombine(start, 0, first), 0, second);
      expect(crc32cCombine(start, 0, first + second)).toBe(stepwise);
      expect(crc32cAppender(first + second)(start, 0)).toBe(stepwise);
    }),
  );
});
