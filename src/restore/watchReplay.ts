import type { Context } from '../base/context.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import { parseLsn, type Lsn } from '../postgres/lsn.ts';
import type { RecoveryEnd, ServerProcess } from '../postgres/serverProcess.ts';
import type { RecoveryPlan } from './planRecovery.ts';

/**
 * Waits until recovery of a started server has ended, or waits at its target; shows the replayed WAL as progress toward
 * the target. That a server accepts connections proves nothing: it may still be on its way, and fail. Throws
 * `target-outside-window` and `postgres-program` in the server's own words.
 */
export async function watchReplay(
  ctx: Context,
  server: Pick<ServerProcess, 'waitForRecovery'>,
  { plan, progress = silentProgress }: { readonly plan: RecoveryPlan; readonly progress?: Progress },
): Promise<RecoveryEnd> {
  const begin = parseLsn(plan.backup.record.startLsn);
  const bytes = Number(plan.landing.lsn - begin);
  progress.phase('replaying WAL', { bytes: Math.max(0, bytes) });
  let shown: Lsn = begin;
  const show = (lsn: Lsn | undefined): void => {
    if (lsn === undefined || lsn <= shown) return;
    progress.advance({ bytes: Number(lsn - shown) });
    shown = lsn;
  };
  const end = await server.waitForRecovery(ctx, ({ replayLsn }) => show(replayLsn));
  show(end.lsn < plan.landing.lsn ? end.lsn : plan.landing.lsn);
  return end;
}
