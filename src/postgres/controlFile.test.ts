import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c } from './crc32c.ts';
import { parseControlFile } from './controlFile.ts';
import { supportedMajors, versionFacts, type PostgresMajor } from './version.ts';

/** A control file with the least that makes it sound. */
function build(major: PostgresMajor, change: (bytes: Buffer) => void = () => undefined): Buffer {
  const bytes = Buffer.alloc(8192);
  bytes.writeBigUInt64LE(0xf000_0000_0000_0007n, 0);
  bytes.writeUInt32LE(versionFacts(major).controlVersion, 8);
  bytes.writeUInt32LE(versionFacts(major).catalogVersion, 12);
  bytes.writeUInt32LE(5, 16);
  bytes.writeBigUInt64LE(0x16_b374_d848n, 136);
  bytes.writeUInt32LE(1, 172);
  change(bytes);
  const crcOffset = major === 18 ? 292 : 288;
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, crcOffset)), crcOffset);
  return bytes;
}

test.each(supportedMajors)('a sound file of PostgreSQL %d, whatever follows the CRC', (major) => {
  const bytes = build(major).fill(0xff, 300);
  expect(parseControlFile(bytes)).toMatchObject({
    state: 'sound',
    controlFile: {
      major,
      systemIdentifier: 0xf000_0000_0000_0007n,
      state: 'in archive recovery',
      minRecoveryPoint: 0x16_b374_d848n,
      walLevel: 'replica',
    },
  });
});

test('any changed byte behind the version makes it torn', () => {
  fc.assert(
    fc.property(fc.constantFrom(...supportedMajors), fc.integer({ min: 16, max: 291 }), (major, offset) => {
      const bytes = build(major);
      bytes.writeUInt8(bytes.readUInt8(offset) ^ 0x55, offset);
      expect(parseControlFile(bytes)).toEqual({ state: 'torn' });
    }),
  );
});

test.each([0, 15, 16, 291])('%d bytes of it are torn', (length) => {
  expect(parseControlFile(build(18).subarray(0, length))).toEqual({ state: 'torn' });
});

test.each<[string, (bytes: Buffer) => void]>([
  ['PostgreSQL 12', (bytes) => bytes.writeUInt32LE(1201, 8)],
  ['a pre-release', (bytes) => bytes.writeUInt32LE(202605041, 12)],
  ['a cluster state of the future', (bytes) => bytes.writeUInt32LE(7, 16)],
  ['the format of 18 with the catalog of 16', (bytes) => bytes.writeUInt32LE(versionFacts(16).catalogVersion, 12)],
])('refuses %s', (_, change) => {
  expect(() => parseControlFile(build(18, change))).toThrow(expect.objectContaining({ code: 'postgres-unsupported' }));
});
