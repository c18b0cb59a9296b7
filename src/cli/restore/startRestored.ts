import type { Context } from '../../base/context.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { requireInstallation, type Installation } from '../../postgres/installations.ts';
import { chooseRuntimeUser } from '../../postgres/runtimeUser.ts';
import { majorOfServerVersion } from '../../postgres/version.ts';
import type { RecoveryPlan } from '../../restore/planRecovery.ts';
import { runRecovery, startForGood } from '../../restore/runRecovery.ts';
import { formatDuration } from '../format.ts';
import type { RestoreInvocation } from './recoveryOptions.ts';

/**
 * Recovers what was restored, in private, until recovery has really ended; then starts the server with its own
 * configuration, unless it shall stay stopped. A standby is only started. Returns whether recovery has ended.
 */
export async function startRestored(ctx: Context, invocation: RestoreInvocation, plan: RecoveryPlan): Promise<boolean> {
  const { printer, options } = invocation;
  const { path } = plan.destination;
  const user = await chooseRuntimeUser(ctx, { dataDirectory: path });
  const installation = await findInstallation(ctx, invocation, plan);
  const run = { installation, user, progress: printer.progress };
  let hasEnded = false;
  if (plan.standby === undefined) {
    const beganMs = ctx.clock.monotonicMs();
    const end = await runRecovery(ctx, plan, run);
    hasEnded = end.outcome !== 'paused';
    printer.end(true);
    const ms = ctx.clock.monotonicMs() - beganMs;
    const fields = {
      target_dir: path,
      outcome: end.outcome,
      lsn: formatLsn(end.lsn),
      timeline: Number(end.timeline),
      stopped_at: end.stoppedAt,
      last_commit: end.lastCommit,
      seconds: ms / 1000,
    };
    printer.result('recovered', fields, () => {
      const where = end.outcome === 'paused' ? 'waits at its target' : `ended on timeline ${end.timeline}`;
      const commit = end.lastCommit === undefined ? '' : `, last commit ${end.lastCommit}`;
      return `Recovery ${where} after ${formatDuration(ms)}, at ${formatLsn(end.lsn)}${commit}.`;
    });
  }
  if (options.stopAfter) return hasEnded;
  await startForGood(ctx, path, run);
  printer.remark(`PostgreSQL ${installation.version} runs on ${path}.`);
  return hasEnded;
}

async function findInstallation(
  ctx: Context,
  invocation: RestoreInvocation,
  plan: RecoveryPlan,
): Promise<Installation> {
  const { config } = await invocation.loadConfig();
  const major = majorOfServerVersion(plan.backup.record.serverVersion);
  const programs = invocation.options.stopAfter ? (['postgres'] as const) : (['postgres', 'pg_ctl'] as const);
  return requireInstallation(ctx, major, { directories: config.postgresBinaries, programs });
}
