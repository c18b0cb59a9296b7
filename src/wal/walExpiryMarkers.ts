import { z } from 'zod';
import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { formatLsn, tryParseLsn, type Lsn } from '../postgres/lsn.ts';
import { formatTimelineHex, toTimelineId, type TimelineId } from '../postgres/timeline.ts';
import type { WalArchive } from './walArchive.ts';
import type { WalRange } from './walGaps.ts';

const schema = z.object({ timeline: z.number(), before: z.string() });

/** By timeline: what lies before this position was removed on purpose. */
export type ExpiredWal = ReadonlyMap<TimelineId, Lsn>;

/** Records durably that these ranges are about to be removed, so that nobody takes them for lost. */
export async function recordExpiry(ctx: Context, archive: WalArchive, ranges: readonly WalRange[]): Promise<void> {
  const known = await loadExpiredWal(ctx, archive);
  for (const [timeline, own] of Map.groupBy(ranges, (range) => range.timeline)) {
    const before = own.reduce((end, range) => (range.end > end ? range.end : end), known.get(timeline) ?? own[0]!.end);
    if (before === known.get(timeline)) continue;
    const json = JSON.stringify({ timeline, before: formatLsn(before) });
    const object = `${folder(archive)}${formatTimelineHex(timeline)}`;
    await archive.backend.put(ctx, object, archive.codec.sealer.seal(Buffer.from(json)));
  }
}

/** What expired of an archive. Throws `repository-damaged` for a record that cannot be read. */
export async function loadExpiredWal(ctx: Context, archive: WalArchive): Promise<ExpiredWal> {
  const names: string[] = [];
  for await (const { name } of archive.backend.list(ctx, folder(archive))) names.push(name);
  const expired = new Map<TimelineId, Lsn>();
  for (const name of names) {
    const { timeline, before } = parseMarker(name, archive.codec.sealer.open(await archive.backend.get(ctx, name)));
    expired.set(timeline, before);
  }
  return expired;
}

/** Whether missing WAL is missing because it expired. */
export function isExpired(expired: ExpiredWal, { timeline, end }: Pick<WalRange, 'timeline' | 'end'>): boolean {
  return end <= (expired.get(timeline) ?? 0n);
}

function parseMarker(name: string, json: Buffer): { timeline: TimelineId; before: Lsn } {
  const parsed = schema.safeParse(JSON.parse(json.toString('utf8'))).data;
  const before = tryParseLsn(parsed?.before ?? '');
  if (parsed !== undefined && before !== undefined) return { timeline: toTimelineId(parsed.timeline), before };
  throw new OperationError('repository-damaged', `${name} does not tell which WAL expired`, {
    hint: 'delete the object: WAL that expired then counts as missing',
    detail: { object: name },
  });
}

function folder(archive: WalArchive): string {
  return `understudy/wal-expired/${archive.systemIdentifier}/`;
}
