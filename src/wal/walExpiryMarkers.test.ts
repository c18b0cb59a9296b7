import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { toTimelineId } from '../postgres/timeline.ts';
import { smallSegmentBytes, testArchive } from './fixture/segments.ts';
import { isExpired, loadExpiredWal, recordExpiry } from './walExpiryMarkers.ts';
import { toRange } from './walGaps.ts';

const ctx = createContext();

function range(timeline: number, from: bigint, to: bigint) {
  return toRange({ timeline: toTimelineId(timeline), from, to }, smallSegmentBytes);
}

test('what expired is told apart from what is missing, by timeline, and only grows', async () => {
  const archive = await testArchive();
  await recordExpiry(ctx, archive, [range(1, 2n, 5n), range(1, 7n, 9n), range(2, 0n, 3n)]);
  await recordExpiry(ctx, archive, [range(1, 1n, 2n)]);
  const expired = await loadExpiredWal(ctx, archive);
  expect(isExpired(expired, range(1, 6n, 9n))).toBe(true);
  expect(isExpired(expired, range(1, 8n, 10n))).toBe(false);
  expect(isExpired(expired, range(2, 3n, 4n))).toBe(false);
  expect(isExpired(expired, range(3, 0n, 1n))).toBe(false);
});

test('a record that says nothing is refused', async () => {
  const archive = await testArchive();
  const object = `understudy/wal-expired/${archive.systemIdentifier}/00000001`;
  await archive.backend.put(ctx, object, archive.codec.sealer.seal(Buffer.from('{"timeline":1}')));
  await expect(loadExpiredWal(ctx, archive)).rejects.toMatchObject({ code: 'repository-damaged' });
});
