import { closeSync, openSync, readFileSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toLsn } from '../../postgres/lsn.ts';
import { toSystemIdentifier } from '../../postgres/systemIdentifier.ts';
import { toTimelineId } from '../../postgres/timeline.ts';
import { tempDir } from '../../testing/tempDir.ts';
import { SpoolFile } from './spoolFile.ts';
import {
  decodeSpoolRecord,
  encodeSpoolRecord,
  recordPlaces,
  spoolDataOffset,
  type SpoolSegment,
} from './spoolRecord.ts';

const segmentBytes = 1024 * 1024;
const first = segmentAt(3);
const second = segmentAt(4);

function segmentAt(number: number): SpoolSegment {
  return {
    systemIdentifier: toSystemIdentifier(7_123_456_789_012_345_678n),
    timeline: toTimelineId(2),
    begin: toLsn(BigInt(number * segmentBytes)),
    segmentBytes,
  };
}

function filledMemory(seed: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(segmentBytes);
  const words = new Uint32Array(memory);
  for (let at = 0; at < words.length; at++) words[at] = Math.imul(at + seed, 2654435761);
  return memory;
}

function reload(path: string): { filledBytes: number; begin: bigint; content: Buffer } | undefined {
  const file = new SpoolFile(path);
  try {
    const found = file.load();
    if (found === undefined) return undefined;
    const { filledBytes, segment, memory } = found;
    return { filledBytes, begin: segment.begin, content: Buffer.from(memory, 0, filledBytes) };
  } finally {
    file.close();
  }
}

function overwrite(path: string, bytes: Uint8Array, position: number): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, bytes, 0, bytes.length, position);
  closeSync(fd);
}

test('gives back what was appended, in pieces, and goes on where it was left', async () => {
  await using directory = await tempDir();
  const path = directory.join('spool-0');
  expect(reload(path)).toBeUndefined();
  const memory = filledMemory(1);
  const all = Buffer.from(memory);
  const writer = new SpoolFile(path);
  await writer.append({ segment: first, memory, from: 0, to: 100 });
  await writer.append({ segment: first, memory, from: 100, to: 400_000 });
  writer.close();
  const found = reload(path);
  expect([found?.filledBytes, found?.begin]).toEqual([400_000, first.begin]);
  expect(found?.content.equals(all.subarray(0, 400_000))).toBe(true);
  const next = new SpoolFile(path);
  next.load();
  await next.append({ segment: first, memory, from: 400_000, to: segmentBytes });
  next.close();
  expect(reload(path)?.content.equals(all)).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('is used for one segment after the other; what is cleared is gone', async () => {
  await using directory = await tempDir();
  const path = directory.join('spool-0');
  const file = new SpoolFile(path);
  const [one, other] = [filledMemory(1), filledMemory(2)];
  await file.append({ segment: first, memory: one, from: 0, to: segmentBytes });
  await file.append({ segment: second, memory: other, from: 0, to: 5000 });
  expect(reload(path)).toEqual({ filledBytes: 5000, begin: second.begin, content: Buffer.from(other, 0, 5000) });
  file.clear();
  expect(reload(path)).toBeUndefined();
  await file.append({ segment: first, memory: one, from: 0, to: 10 });
  file.close();
  expect(reload(path)?.filledBytes).toBe(10);
});

test('an append that a power cut tore leaves what was durable before it', async () => {
  await using directory = await tempDir();
  const path = directory.join('spool-0');
  const memory = filledMemory(1);
  const file = new SpoolFile(path);
  await file.append({ segment: first, memory, from: 0, to: 10_000 });
  await file.append({ segment: first, memory, from: 10_000, to: 30_000 });
  file.close();
  const after = readFileSync(path);
  // any part of the bytes of the second append may be on the disk, in any order, and the file may be short
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3 }), fc.nat(), fc.boolean(), (lostPart, seed, cut) => {
      const torn = Buffer.from(after);
      for (let at = spoolDataOffset + 10_000; at < torn.length; at += 4096) {
        if (((at >> 12) ^ seed) % 4 === lostPart) torn.fill(0, at, Math.min(torn.length, at + 4096));
      }
      writeFileSync(path, cut ? torn.subarray(0, torn.length - 1 - (seed % 15_000)) : torn);
      const found = reload(path);
      const whole = torn.equals(after) && !cut;
      expect(found?.filledBytes).toBe(whole ? 30_000 : 10_000);
      expect(found?.content.equals(Buffer.from(memory, 0, found.filledBytes))).toBe(true);
    }),
  );
});

test('a flipped byte is never taken for WAL', async () => {
  await using directory = await tempDir();
  const path = directory.join('spool-0');
  const memory = filledMemory(1);
  const file = new SpoolFile(path);
  await file.append({ segment: first, memory, from: 0, to: 1000 });
  await file.append({ segment: first, memory, from: 1000, to: 2000 });
  file.close();
  const sound = readFileSync(path);
  for (const at of [0, 13, 36, 48, 60].flatMap((offset) => recordPlaces.map((place) => place + offset))) {
    writeFileSync(path, sound);
    overwrite(path, Buffer.of(sound[at]! ^ 1), at);
    expect([1000, 2000]).toContain(reload(path)?.filledBytes);
  }
  overwrite(path, Buffer.of(sound[spoolDataOffset + 5]! ^ 1), spoolDataOffset + 5);
  expect(reload(path)).toBeUndefined();
  truncateSync(path, 10);
  expect(reload(path)).toBeUndefined();
});

test('a record comes back as it went in', () => {
  const record = { segment: first, filledBytes: 77, sequence: 5n, crc: 0xdeadbeef };
  expect(decodeSpoolRecord(encodeSpoolRecord(record))).toEqual(record);
  expect(decodeSpoolRecord(Buffer.alloc(64))).toBeUndefined();
});
