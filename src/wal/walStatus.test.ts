import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { toLsn } from '../postgres/lsn.ts';
import { toTimelineId } from '../postgres/timeline.ts';
import { madeSegment, smallSegmentBytes, testArchive, testCluster } from './fixture/segments.ts';
import { recordWalGap } from './walGapMarkers.ts';
import { readArchiveStatus } from './walStatus.ts';

const ctx = createContext();
const size = BigInt(smallSegmentBytes);
const timeline = toTimelineId(1);

test('an archive without WAL has nothing to say', async () => {
  expect(await readArchiveStatus(ctx, await testArchive(), [])).toMatchObject({
    systemIdentifier: testCluster,
    files: 0,
    storedBytes: 0,
    ranges: [],
    newest: undefined,
    gaps: [],
    backupNeeded: false,
  });
});

test('ranges, gaps and the newest byte; a gap needs a backup until one has started behind it', async () => {
  const archive = await testArchive();
  for (const number of [3n, 4n, 6n]) {
    const { name, content } = madeSegment({ number });
    await archive.put(ctx, { kind: 'segment', segment: name }, content);
  }
  const last = madeSegment({ number: 7n });
  const before = new Date();
  await archive.put(ctx, { kind: 'partial', segment: last.name }, last.content.subarray(0, 9_000));
  const status = await readArchiveStatus(ctx, archive, [{ timeline, startLsn: toLsn(4n * size) }]);
  expect(status.ranges.map(({ first, segments }) => [first, segments])).toEqual([
    ['000000010000000000000003', 2n],
    ['000000010000000000000006', 2n],
  ]);
  expect(status.gaps.map(({ first, segments }) => [first, segments])).toEqual([['000000010000000000000005', 1n]]);
  expect(status.newest).toMatchObject({ timeline, lsn: 7n * size + 9_000n });
  expect(status.newest!.storedAt.getTime()).toBeGreaterThanOrEqual(before.getTime());
  expect(status).toMatchObject({ files: 4, backupNeeded: true });
  const later = [{ timeline, startLsn: toLsn(6n * size) }];
  expect(await readArchiveStatus(ctx, archive, later)).toMatchObject({ backupNeeded: false });
  const lost = { timeline, begin: toLsn(8n * size), end: toLsn(9n * size), recordedAt: new Date(0), reason: 'slot' };
  await recordWalGap(ctx, archive, lost);
  expect(await readArchiveStatus(ctx, archive, later)).toMatchObject({ lost: [lost], backupNeeded: true });
});
