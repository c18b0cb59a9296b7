import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatBackupManifest, formatManifestCrc, manifestWalRanges, type ManifestFile } from './backupManifest.ts';
import { parseLsn, toLsn } from './lsn.ts';
import { parseBackupManifest } from './parseBackupManifest.ts';
import { toSystemIdentifier } from './systemIdentifier.ts';
import { parseTimelineHistory, timelineAncestry, toTimelineId } from './timeline.ts';
import { supportedMajors } from './version.ts';

const systemIdentifier = toSystemIdentifier(17494516890108690433n);
const walRanges = [{ timeline: toTimelineId(1), begin: parseLsn('0/2000028'), end: parseLsn('0/2000138') }];

function format(major: (typeof supportedMajors)[number], files: Iterable<ManifestFile>): Buffer {
  return Buffer.concat([...formatBackupManifest({ major, systemIdentifier, walRanges }, files)]);
}

/** Replaces the text and gives it a right checksum again. */
function reseal(text: string): Buffer {
  const body = text.slice(0, text.indexOf('"Manifest-Checksum"'));
  return Buffer.from(`${body}"Manifest-Checksum": "${createHash('sha256').update(body).digest('hex')}"}\n`);
}

const file = fc.record({
  path: fc.string({ unit: 'grapheme', minLength: 1 }),
  sizeBytes: fc.maxSafeNat(),
  modifiedMs: fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000),
  crc32c: fc.integer({ min: 0, max: 0xffff_ffff }),
});

test('the text that PostgreSQL writes', () => {
  const files = [
    { path: 'PG_VERSION', sizeBytes: 3, modifiedMs: Date.UTC(2026, 10, 22, 9, 5, 7, 999), crc32c: 0x64440205 },
    { path: Buffer.from('a\xff', 'latin1'), sizeBytes: 0, modifiedMs: 0 },
  ];
  const text = format(17, files).toString();
  expect(text.slice(0, text.lastIndexOf('"Manifest-Checksum"'))).toBe(
    '{ "PostgreSQL-Backup-Manifest-Version": 2,\n"System-Identifier": 17494516890108690433,\n"Files": [\n' +
      '{ "Path": "PG_VERSION", "Size": 3, "Last-Modified": "2026-11-22 09:05:07 GMT", ' +
      '"Checksum-Algorithm": "CRC32C", "Checksum": "05024464" },\n' +
      '{ "Encoded-Path": "61ff", "Size": 0, "Last-Modified": "1970-01-01 00:00:00 GMT" }\n],\n"WAL-Ranges": [\n' +
      '{ "Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/2000138" }\n],\n',
  );
});

test('a CRC is printed as its bytes lie in memory', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (crc) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(crc);
      expect(formatManifestCrc(crc)).toBe(bytes.toString('hex'));
    }),
  );
});

test('every manifest survives text, whatever its paths are', () => {
  fc.assert(
    fc.property(fc.constantFrom(...supportedMajors), fc.array(file), (major, files) => {
      const manifest = parseBackupManifest(format(major, files));
      expect(manifest.systemIdentifier).toBe(major >= 17 ? systemIdentifier : undefined);
      expect(manifest.walRanges).toEqual(walRanges);
      expect([...manifest.files()]).toEqual(files.map((each) => ({ ...each, checksumAlgorithm: 'CRC32C' })));
    }),
  );
});

test('a large manifest comes in bounded pieces that make one valid text', () => {
  const many = Array.from({ length: 20_000 }, (_, i) => ({ path: `base/5/${i}`, sizeBytes: i, modifiedMs: 0 }));
  const pieces = [...formatBackupManifest({ major: 15, systemIdentifier, walRanges }, many)];
  expect(pieces.length).toBeGreaterThan(5);
  expect(Math.max(...pieces.map((piece) => piece.byteLength))).toBeLessThan(300_000);
  expect([...parseBackupManifest(Buffer.concat(pieces)).files()]).toHaveLength(20_000);
});

test('any flipped bit and any cut is noticed', () => {
  const bytes = format(15, [{ path: 'PG_VERSION', sizeBytes: 3, modifiedMs: 0, crc32c: 1 }]);
  const damaged = expect.objectContaining({ code: 'backup-invalid' });
  fc.assert(
    fc.property(fc.nat(bytes.byteLength - 1), fc.nat(7), (offset, bit) => {
      const copy = Buffer.from(bytes);
      copy[offset] = (copy[offset] as number) ^ (1 << bit);
      expect(() => parseBackupManifest(copy)).toThrow(damaged);
      expect(() => parseBackupManifest(bytes.subarray(0, offset))).toThrow(damaged);
    }),
  );
});

test.each([
  ['a version of the future', 'Version": 1', 'Version": 3'],
  ['a file without a size', '"Size": 3, ', ''],
  ['a damaged CRC', '"01000000"', '"0100"'],
  ['a line that is no JSON', '{ "Path"', '"Path"'],
])('refuses %s even under a right checksum', (_, from, to) => {
  const bytes = format(15, [{ path: 'PG_VERSION', sizeBytes: 3, modifiedMs: 0, crc32c: 1 }]);
  const changed = reseal(bytes.toString().replace(from, to));
  expect(() => [...parseBackupManifest(changed).files()]).toThrow(expect.objectContaining({ code: 'backup-invalid' }));
});

test('a backup from a standby that followed a timeline switch has one range per timeline, newest first', () => {
  const two = toTimelineId(2);
  const ancestry = timelineAncestry(two, parseTimelineHistory(two, '1\t0/5000000\tx\n'));
  const range = (begin: string, end: string) => ({ begin: parseLsn(begin), end: parseLsn(end) });
  expect(manifestWalRanges(ancestry, range('0/4000028', '0/6000100'))).toEqual([
    { timeline: 2, ...range('0/5000000', '0/6000100') },
    { timeline: 1, ...range('0/4000028', '0/5000000') },
  ]);
  expect(manifestWalRanges(ancestry, range('0/4000028', '0/4000100'))).toEqual([
    { timeline: 1, ...range('0/4000028', '0/4000100') },
  ]);
  expect(() => manifestWalRanges(ancestry, { begin: toLsn(2n), end: toLsn(2n) })).toThrow('ends after it began');
});
