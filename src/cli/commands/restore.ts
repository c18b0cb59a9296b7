import type { Context } from '../../base/context.ts';
import { chooseRuntimeUser } from '../../postgres/runtimeUser.ts';
import { withReadLock } from '../../repository/readLock.ts';
import type { Repository } from '../../repository/repository.ts';
import { applyRecovery } from '../../restore/applyRecovery.ts';
import { planRecovery, type RecoveryPlan } from '../../restore/planRecovery.ts';
import { WalArchive } from '../../wal/walArchive.ts';
import type { LeaseClaim } from '../../wal/walLease.ts';
import { endLeaseOf } from '../../wal/walLeaseFile.ts';
import type { CommandRun } from '../command.ts';
import { formatBytes, formatDuration, plural } from '../format.ts';
import { openRepository, readLock } from '../openRepository.ts';
import { planFields, planText } from '../restore/describePlan.ts';
import { recoveryOptions, type RestoreInvocation } from '../restore/recoveryOptions.ts';
import { composeRecoveryAccess } from '../restore/recoveryAccess.ts';
import { startRestored } from '../restore/startRestored.ts';
import type { restoreSpec } from '../specs/restore.ts';

export const run: CommandRun<typeof restoreSpec> = async (ctx, invocation) => {
  const options = recoveryOptions(invocation);
  const repository = await openRepository(ctx, invocation);
  const { plan, lease } = await withReadLock(ctx, repository, {
    ...readLock(invocation),
    run: async (locked) => {
      const planned = await planRecovery(locked, repository, { ...options, progress: invocation.printer.progress });
      if (invocation.options.dryRun) return { plan: planned, lease: undefined };
      return { plan: planned, lease: await apply(locked, { repository, invocation, plan: planned }) };
    },
  });
  invocation.printer.end(true);
  if (invocation.options.dryRun) {
    invocation.printer.result('plan', planFields(plan), () => `Would restore:\n${planText(plan)}`);
    return;
  }
  if (!invocation.options.start || !(await startRestored(ctx, invocation, plan)) || lease === undefined) return;
  await endLeaseOf(ctx, WalArchive.of(repository, plan.backup.systemIdentifier), lease);
};

interface Apply {
  readonly repository: Repository;
  readonly invocation: RestoreInvocation;
  readonly plan: RecoveryPlan;
}

/** Returns the lease on the WAL that the server will fetch. */
async function apply(ctx: Context, { repository, invocation, plan }: Apply): Promise<LeaseClaim | undefined> {
  const { printer, options } = invocation;
  const beganMs = ctx.clock.monotonicMs();
  const configured = options.owner === undefined ? {} : { configured: options.owner };
  const owner = await chooseRuntimeUser(ctx, { ...configured, dataDirectory: plan.destination.path });
  const needsWal = plan.wal.from === 'archive' || plan.standby !== undefined;
  const access = needsWal ? await composeRecoveryAccess(ctx, invocation, { repository, plan, owner }) : undefined;
  const result = await applyRecovery(ctx, repository, plan, {
    restoreCommand: access?.command,
    storeKey: access?.storeKey ?? false,
    owner,
    threads: options.threads,
    progress: printer.progress,
  });
  printer.end(true);
  const ms = ctx.clock.monotonicMs() - beganMs;
  const { lease, leaseFailure } = result;
  if (leaseFailure !== undefined) {
    printer.warn(`no prune is kept from WAL that this recovery needs: ${leaseFailure.message}`);
  }
  for (const refused of result.refused) printer.warn(`not restored: ${refused}`);
  if (access?.storeKey === true) {
    printer.remark(
      'The key of the repository is in the data directory, readable by the server alone, until recovery ends.',
    );
  }
  const fields = {
    ...planFields(plan),
    files: result.files,
    bytes_total: result.totalBytes,
    bytes_unchanged: result.equalBytes,
    bytes_fetched: result.fetchedBytes,
    seconds: ms / 1000,
  };
  printer.result('restored', fields, () => {
    const kept = result.equalBytes > 0 ? `, ${formatBytes(result.equalBytes)} were there already` : '';
    const what = `${plural(result.files, 'file')}, ${formatBytes(result.totalBytes)}${kept}`;
    const next = options.start
      ? ''
      : `\nNext: start PostgreSQL on ${plan.destination.path}; it recovers as told below.`;
    return `Restored ${what} in ${formatDuration(ms)}.${next}\n${planText(plan)}`;
  });
  return lease;
}
