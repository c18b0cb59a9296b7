import type { PrunePlan, RepackOptions } from '../../repository/prune.ts';
import type { RepositorySettings } from '../../config/repositorySettings.ts';
import { formatBytes, plural } from '../format.ts';
import type { OptionValues } from '../spec.ts';
import type { pruneFlags } from '../specs/pruneFlags.ts';

/** What the flags of prune stand for. */
export function repackOptions(
  { maxUnused, maxRepackSize, repackSmall }: OptionValues<typeof pruneFlags>,
  { packSizeBytes }: RepositorySettings,
): RepackOptions {
  return {
    packSizeBytes,
    ...(maxUnused === undefined ? {} : { maxUnused }),
    ...(maxRepackSize === undefined ? {} : { maxRepackBytes: maxRepackSize }),
    ...(repackSmall ? { repackSmall } : {}),
  };
}

/** The object that a prune prints with --json. */
export function pruneFields(plan: PrunePlan, dryRun: boolean): Record<string, unknown> {
  const { stats } = plan;
  return {
    dry_run: dryRun,
    snapshots: stats.snapshots,
    packs: stats.packs,
    packs_removed: plan.remove.length + plan.unindexed.length,
    packs_rewritten: plan.repack.length,
    used_bytes: stats.usedBytes,
    unused_bytes: stats.unusedBytes,
    copied_bytes: stats.copiedBytes,
    freed_bytes: stats.freedBytes,
    unused_bytes_after: stats.unusedBytesAfter,
  };
}

export function pruneText({ stats, remove, unindexed, repack }: PrunePlan, dryRun: boolean): string {
  const would = dryRun ? 'would be ' : '';
  const lines = [
    `${plural(stats.snapshots, 'snapshot')} need ${formatBytes(stats.usedBytes)}; ${formatBytes(stats.unusedBytes)} is not needed`,
    `${plural(remove.length + unindexed.length, 'pack')} ${would}removed, ${plural(repack.length, 'pack')} ${would}rewritten ` +
      `(${formatBytes(stats.copiedBytes)} copied)`,
    `${formatBytes(stats.freedBytes)} ${would}freed, ${formatBytes(stats.unusedBytesAfter)} stays unused`,
  ];
  return lines.join('\n');
}
