import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import type { Repository } from '../repository/repository.ts';
import { findBaseBackup, loadBaseBackups } from '../restore/baseBackup.ts';
import { chooseRoute } from '../restore/chooseBackup.ts';
import { checkRequest, type RecoveryRequest } from '../restore/recoveryTarget.ts';
import { loadClusters } from '../restore/recoveryWindow.ts';
import type { WantedTarget } from './recoveryRoute.ts';
import type { VerifySnapshotOptions } from './verifyOptions.ts';

/**
 * Id of the backup from which a restore would recover to a target: the named one, of several the newest before it.
 * Undefined where that cannot be told because something is damaged or missing: the verification will show what. Throws
 * `target-invalid`, `target-outside-window`: then the request is wrong, and not the backup.
 */
export async function snapshotForTarget(
  ctx: Context,
  repository: Repository,
  { selector, wanted }: { readonly selector: VerifySnapshotOptions['selector']; readonly wanted: WantedTarget },
): Promise<string | undefined> {
  const request: RecoveryRequest = { ...wanted, action: 'promote' };
  checkRequest(request, false);
  const isBehindAny = request.target.kind === 'latest' || request.target.kind === 'immediate';
  try {
    // the newest of all is not to be passed over because its record cannot be read
    const backups =
      selector.text !== 'latest' || isBehindAny
        ? [await findBaseBackup(ctx, repository, selector)]
        : await loadBaseBackups(ctx, repository, selector.source);
    const { backup } = await chooseRoute(ctx, { clusters: await loadClusters(ctx, repository, backups), request });
    return backup.snapshot.id;
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (!isOperationError(error) || isOperationError(error, 'target-invalid', 'target-outside-window')) throw error;
    return undefined;
  }
}
