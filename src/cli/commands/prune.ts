import { prune } from '../../retention/prune.ts';
import type { CommandRun } from '../command.ts';
import { loadFailedProofs } from '../forget/failedProofs.ts';
import { walPolicy } from '../forget/policy.ts';
import { reportHeld } from '../forget/reportHeld.ts';
import { warnAppendOnly } from '../forget/warnAppendOnly.ts';
import { lockWait, openRepository } from '../openRepository.ts';
import { repackOptions } from '../prune/describePrune.ts';
import { printPruned } from '../prune/printPruned.ts';
import type { pruneSpec } from '../specs/prune.ts';

export const run: CommandRun<typeof pruneSpec> = async (ctx, invocation) => {
  const { options, printer } = invocation;
  const repack = repackOptions(options, await invocation.repositorySettings());
  const wal = walPolicy((await invocation.loadConfig()).config, options.recoveryWindow);
  const repository = await openRepository(ctx, invocation);
  if (options.dryRun) warnAppendOnly(printer, repository);
  const result = await prune(ctx, repository, {
    repack,
    wal,
    dryRun: options.dryRun,
    failedProofs: (locked, snapshots) => loadFailedProofs(locked, repository, snapshots),
    ...lockWait(invocation),
    progress: printer.progress,
  });
  printer.end(true);
  printPruned(printer, result, options.dryRun);
  reportHeld(printer, { ...result, named: false });
};
