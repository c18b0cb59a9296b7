import { formatBytes } from '../../base/bytes.ts';
import type { Context } from '../../base/context.ts';
import type { SnapshotUnderTest } from '../kinds/kindVerification.ts';
import { judge } from '../proof/checkList.ts';
import { readFiles, type FilesRead, type SnapshotFiles } from './readFiles.ts';

/** Level 2 of a snapshot: every blob of these files, or of the wanted part. Undefined when something is damaged. */
export async function checkData(
  ctx: Context,
  { repository, checks, options }: SnapshotUnderTest,
  files: SnapshotFiles,
): Promise<FilesRead | undefined> {
  const { subset, threads, progress } = options;
  let read: FilesRead | undefined;
  const good = await checks.run(2, 'data', async () => {
    read = await readFiles(ctx, repository, { files, subset, threads, progress });
    const wrong = read.problems.map(
      ({ object, blob, problem }) => `${object}: ${problem}${blob === undefined ? '' : ` (blob ${blob})`}`,
    );
    return judge(wrong, { actual: `${read.files} of ${files.size} files, ${formatBytes(read.bytes)} read` });
  });
  return good ? read : undefined;
}
