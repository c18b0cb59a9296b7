import { applyPrune } from '../../repository/applyPrune.ts';
import { withLock } from '../../repository/lock.ts';
import { planPrune } from '../../repository/prune.ts';
import { snapshotReferences } from '../../snapshot/references.ts';
import type { CommandRun } from '../command.ts';
import { lockWait, openRepository } from '../openRepository.ts';
import { pruneFields, pruneText, repackOptions } from '../prune/describePrune.ts';
import type { pruneSpec } from '../specs/prune.ts';

export const run: CommandRun<typeof pruneSpec> = async (ctx, invocation) => {
  const { options, printer } = invocation;
  const { dryRun } = options;
  const { progress } = printer;
  const limits = repackOptions(options, await invocation.repositorySettings());
  const repository = await openRepository(ctx, invocation);
  if (!dryRun) repository.requireDeletable();
  const plan = await withLock(ctx, repository, {
    exclusive: !dryRun,
    ...lockWait(invocation),
    run: async (locked, lock) => {
      const planned = await planPrune(locked, repository, { ...limits, references: snapshotReferences, progress });
      if (!dryRun) await applyPrune(locked, repository, planned, { lock, progress });
      return planned;
    },
  });
  printer.end(true);
  printer.result('prune_summary', pruneFields(plan, dryRun), () => pruneText(plan, dryRun));
};
