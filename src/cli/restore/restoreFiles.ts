import { resolve } from 'node:path';
import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { withLock } from '../../repository/lock.ts';
import { applyRestore } from '../../restorer/applyRestore.ts';
import { planRestore } from '../../restorer/planRestore.ts';
import type { RestorePlan } from '../../restorer/restorePlan.ts';
import { snapshotSource } from '../../snapshot/repositorySource.ts';
import { findSnapshot, parseSnapshotPath } from '../../snapshot/snapshotSelector.ts';
import { formatBytes, formatDuration, plural } from '../format.ts';
import { lockWait, openRepository } from '../openRepository.ts';
import { findSnapshotPath } from '../snapshotPath.ts';
import { existingFiles, requireTarget, type RestoreInvocation } from './recoveryOptions.ts';

/** Restores files of any snapshot, or one part of it, without any thought of PostgreSQL. */
export async function restoreFiles(ctx: Context, invocation: RestoreInvocation): Promise<void> {
  const { options, printer } = invocation;
  const destination = resolve(requireTarget(options));
  const [text] = invocation.arguments;
  if (text === undefined) {
    throw new OperationError('usage', '--files needs a snapshot', { hint: 'name it: an id, `latest`, or `id:path`' });
  }
  const { snapshot: selector, path } = parseSnapshotPath(text);
  const existing = existingFiles(options);
  const repository = await openRepository(ctx, invocation);
  await withLock(ctx, repository, {
    exclusive: false,
    ...lockWait(invocation),
    run: async (locked) => {
      const tags = options.source === undefined ? [] : [[`source:${options.source}`]];
      const snapshot = await findSnapshot(locked, snapshotSource(repository), { text: selector, filter: { tags } });
      const found = await findSnapshotPath(locked, repository, { snapshot, path });
      const plan = await planRestore(locked, repository, {
        treeId: snapshot.tree,
        ...(found.path === '' ? {} : { subPath: found.path }),
        destination,
        existing,
      });
      const fields = { snapshot_id: snapshot.id, path: `/${found.path}`, target_dir: destination };
      if (options.dryRun) {
        printer.result(
          'plan',
          { ...fields, ...sizes(plan) },
          () => `would restore ${sizeText(plan)} to ${destination}`,
        );
        return;
      }
      const beganMs = locked.clock.monotonicMs();
      const { threads } = options;
      const result = await applyRestore(locked, repository, plan, {
        progress: printer.progress,
        ...(threads === undefined ? {} : { threads }),
      });
      printer.end(true);
      for (const refused of result.refused) printer.warn(`not restored: ${refused}`);
      const ms = locked.clock.monotonicMs() - beganMs;
      printer.result('restored', { ...fields, ...sizes(plan), seconds: ms / 1000 }, () => {
        return `restored ${sizeText(plan)} to ${destination} in ${formatDuration(ms)}`;
      });
    },
  });
}

function sizes({ files, totalBytes }: RestorePlan): Record<string, number> {
  return { files: files.length, bytes_total: totalBytes };
}

function sizeText({ files, totalBytes }: RestorePlan): string {
  return `${plural(files.length, 'file')}, ${formatBytes(totalBytes)}`;
}
