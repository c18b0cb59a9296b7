import type { PhysicalRecord } from '../../backup/physicalRecord.ts';
import type { Context } from '../../base/context.ts';
import type { Progress } from '../../base/progress.ts';
import { parseSystemIdentifier } from '../../postgres/systemIdentifier.ts';
import { isWalSegmentName, type WalSegmentName } from '../../postgres/walSegment.ts';
import type { Repository } from '../../repository/repository.ts';
import { WalArchive } from '../../wal/walArchive.ts';
import { walPrefix } from '../../wal/walObjectName.ts';

const pollMs = 500;

/**
 * `unused`: the cluster archives no WAL here. Otherwise whether all WAL of the backup arrived in time, and what did
 * not.
 */
export type ArchivingState =
  { readonly state: 'unused' | 'complete' } | { readonly state: 'late'; readonly missing: readonly string[] };

/**
 * Waits until the WAL of a backup is in the repository's archive, where its cluster archives into this repository. The
 * snapshot holds the same WAL, so it is whole without that; recovery to a later moment needs the archive to follow on.
 */
export async function awaitArchiving(
  ctx: Context,
  repository: Repository,
  options: { readonly record: PhysicalRecord; readonly timeoutMs: number; readonly progress: Progress },
): Promise<ArchivingState> {
  const { record, timeoutMs, progress } = options;
  const archive = WalArchive.of(repository, parseSystemIdentifier(record.systemIdentifier));
  if (!(await hasWal(ctx, archive))) return { state: 'unused' };
  const deadline = ctx.clock.monotonicMs() + timeoutMs;
  let missing = record.wal.filter(isWalSegmentName);
  progress.phase('waiting for the WAL archive', { items: missing.length });
  for (;;) {
    const before = missing.length;
    missing = await stillMissing(ctx, archive, missing);
    progress.advance({ items: before - missing.length });
    if (missing.length === 0) return { state: 'complete' };
    if (ctx.clock.monotonicMs() >= deadline) return { state: 'late', missing };
    await ctx.clock.sleep(pollMs, ctx.signal);
  }
}

async function hasWal(ctx: Context, archive: WalArchive): Promise<boolean> {
  for await (const _ of archive.backend.list(ctx, walPrefix(archive.systemIdentifier))) return true;
  return false;
}

async function stillMissing(
  ctx: Context,
  archive: WalArchive,
  segments: readonly WalSegmentName[],
): Promise<WalSegmentName[]> {
  const missing: WalSegmentName[] = [];
  for (const segment of segments) {
    if (!(await archive.has(ctx, { kind: 'segment', segment }))) missing.push(segment);
  }
  return missing;
}
