import { listLocks, removeLocks, type HeldLock } from '../../repository/heldLocks.ts';
import { describeLock } from '../../repository/lockDocument.ts';
import type { CommandRun } from '../command.ts';
import { plural } from '../format.ts';
import { openRepository } from '../openRepository.ts';
import type { unlockSpec } from '../specs/unlock.ts';

export const run: CommandRun<typeof unlockSpec> = async (ctx, invocation) => {
  const { options, printer } = invocation;
  const repository = await openRepository(ctx, invocation);
  const removed = await removeLocks(ctx, repository, options.removeAll ? 'all' : 'stale');
  for (const lock of removed) printer.result('unlocked', lockFields(lock), () => `removed: ${lockText(lock)}`);
  const left = await listLocks(ctx, repository);
  for (const lock of left) printer.result('lock', lockFields(lock), () => `still there: ${lockText(lock)}`);
  const kept = left.length === 0 ? '' : `, ${left.length} held by processes that may be at work`;
  printer.remark(`${plural(removed.length, 'lock')} removed${kept}`);
};

function lockFields({ id, lock, stale }: HeldLock): Record<string, unknown> {
  return { id, stale, ...lock };
}

function lockText({ id, lock, empty }: HeldLock): string {
  if (lock !== undefined) return `lock ${id.slice(0, 8)}, ${describeLock(lock)}`;
  return `lock ${id.slice(0, 8)}, ${empty ? 'empty' : 'which cannot be read'}`;
}
