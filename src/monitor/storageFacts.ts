import type { Backend } from '../backend/backend.ts';
import type { Context } from '../base/context.ts';
import type { StorageFacts } from './facts.ts';

const dayMs = 86_400_000;
const walPrefix = 'wal/';

/**
 * Adds up everything a repository holds, from one listing. What a prune wrote anew counts as written; what was removed
 * is not told by any listing.
 */
export async function storageFacts(ctx: Context, backend: Backend): Promise<StorageFacts> {
  const now = ctx.clock.now().getTime();
  const sums = { total: 0, wal: 0, week: 0, month: 0 };
  let dated = true;
  for await (const { name, sizeBytes, modifiedAt } of backend.list(ctx, '')) {
    sums.total += sizeBytes;
    if (name.startsWith(walPrefix)) sums.wal += sizeBytes;
    dated &&= modifiedAt !== undefined;
    const ageMs = now - (modifiedAt?.getTime() ?? 0);
    if (ageMs <= 7 * dayMs) sums.week += sizeBytes;
    if (ageMs <= 30 * dayMs) sums.month += sizeBytes;
  }
  return {
    location: backend.location,
    totalBytes: sums.total,
    walBytes: sums.wal,
    written: dated ? { last7Days: sums.week, last30Days: sums.month } : undefined,
  };
}
