import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { toLsn } from '../postgres/lsn.ts';
import { timelineAncestry, toTimelineId } from '../postgres/timeline.ts';
import { testArchive, testCluster } from './fixture/segments.ts';
import { gapsInNeedOfBackup, listWalGaps, recordWalGap, type WalGapMarker } from './walGapMarkers.ts';

const ctx = createContext();
const first = toTimelineId(1);
const gap: WalGapMarker = {
  timeline: first,
  begin: toLsn(0x5000000n),
  end: toLsn(0x9000000n),
  recordedAt: new Date('2026-01-02T03:04:05.000Z'),
  reason: 'the slot was invalidated',
};

test('gaps are recorded, listed in order, and recorded again without doubling', async () => {
  const archive = await testArchive();
  const earlier = { ...gap, begin: toLsn(0x1000000n), end: toLsn(0x2000000n) };
  await recordWalGap(ctx, archive, gap);
  await recordWalGap(ctx, archive, earlier);
  await recordWalGap(ctx, archive, gap);
  expect(await listWalGaps(ctx, archive)).toEqual([earlier, gap]);
});

test('a record without positions is damage, not an absent gap', async () => {
  const archive = await testArchive();
  const name = `understudy/wal-gaps/${testCluster}/00000001-0000000000000001`;
  await archive.backend.put(ctx, name, archive.codec.sealer.seal(Buffer.from('{}')));
  await expect(listWalGaps(ctx, archive)).rejects.toMatchObject({ code: 'repository-damaged' });
});

test('a gap needs a backup until one has started behind it in the same history', () => {
  const ancestry = timelineAncestry(first, []);
  const needed = (starts: bigint[]) =>
    gapsInNeedOfBackup([gap], {
      ancestry,
      backups: starts.map((start) => ({ timeline: first, startLsn: toLsn(start) })),
    });
  expect(needed([])).toEqual([gap]);
  expect(needed([0x4000000n, 0x8ffffffn])).toEqual([gap]);
  expect(needed([0x9000000n])).toEqual([]);
  const second = timelineAncestry(toTimelineId(2), [{ parent: first, switchPoint: toLsn(0x4000000n), reason: '' }]);
  expect(gapsInNeedOfBackup([gap], { ancestry: second, backups: [] })).toEqual([]);
});
