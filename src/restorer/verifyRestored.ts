import type { Context } from '../base/context.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import type { Repository } from '../repository/repository.ts';
import { layOutContent } from './content.ts';
import { statExisting } from './existingEntries.ts';
import { compareExisting, openRestorer, runTask } from './restoreContent.ts';
import type { RestorePlan } from './restorePlan.ts';

export interface VerifiedRestore {
  readonly files: number;
  readonly bytes: number;
  /** Paths of files that are not what the snapshot holds; latin1 text. */
  readonly different: readonly string[];
}

/** Reads back all files of a plan that was applied, and compares their hashes and sizes with the snapshot's. */
export async function verifyRestored(
  ctx: Context,
  repository: Repository,
  plan: RestorePlan,
  options: { readonly progress?: Progress; readonly threads?: number } = {},
): Promise<VerifiedRestore> {
  const { progress = silentProgress, threads } = options;
  const present = plan.files.filter(({ path, sizeBytes }) => {
    const stat = statExisting(path);
    return stat?.isFile() === true && stat.size === sizeBytes;
  });
  const content = layOutContent(
    plan.index.table('data'),
    present.map((file) => ({ ...file, exists: true })),
  );
  await using restorer = openRestorer(ctx, repository, threads);
  await runTask(restorer, { kind: 'content', content, durable: false });
  await compareExisting(restorer, content, { progress });
  const intact = present.filter((_, file) => {
    return content.equal.subarray(content.firstChunks[file], content.firstChunks[file + 1]).every((flag) => flag === 1);
  });
  const right = new Set(intact.map(({ path }) => path));
  return {
    files: plan.files.length,
    bytes: plan.totalBytes,
    different: plan.files.map(({ path }) => path).filter((path) => !right.has(path)),
  };
}
