// needs PostgreSQL's client programs
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { embeddedBinaries, Scratch } from './fixture/cluster.ts';
import { checkWalSegment, parseWalPageHeader } from './walPage.ts';
import { isWalSegmentName, type WalSegmentName } from './walSegment.ts';

test.each([
  [13, 16],
  [14, 1],
  [15, 64],
  [16, 1024],
  [17, 1],
  [18, 16],
] as const)('a WAL segment of PostgreSQL %d with segments of %d MiB', (major, mebibytes) => {
  using scratch = new Scratch();
  const walDirectory = join(scratch.initdb(embeddedBinaries(major), 'data', [`--wal-segsize=${mebibytes}`]), 'pg_wal');
  const [name] = readdirSync(walDirectory).filter(isWalSegmentName).toSorted() as [WalSegmentName];
  const bytes = readFileSync(join(walDirectory, name));
  const expected = { major, segmentBytes: mebibytes * 1024 * 1024 };
  expect(checkWalSegment(bytes, { name, ...expected }).blockBytes).toBe(8192);
  expect(parseWalPageHeader(bytes.subarray(8192))).toMatchObject({ timeline: 1, segment: undefined });
  const otherName = name.replace(/.$/, '3') as WalSegmentName;
  expect(() => checkWalSegment(bytes, { name: otherName, ...expected })).toThrow('holds the WAL from');
});
