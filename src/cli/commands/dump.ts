import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { OperationError, systemErrorCode } from '../../base/errors.ts';
import { snapshotSource } from '../../snapshot/repositorySource.ts';
import { findSnapshot } from '../../snapshot/snapshotSelector.ts';
import type { CommandRun } from '../command.ts';
import { fileContent } from '../../snapshot/fileContent.ts';
import { writeTarget } from '../dump/writeTarget.ts';
import { formatBytes } from '../format.ts';
import { openRepository } from '../openRepository.ts';
import { snapshotFilter } from '../snapshotChoice.ts';
import { findSnapshotPath } from '../snapshotPath.ts';
import type { dumpSpec } from '../specs/dump.ts';

export const run: CommandRun<typeof dumpSpec> = async (ctx, invocation) => {
  const { options, printer } = invocation;
  const [text, path] = invocation.arguments as [string, string];
  const repository = await openRepository(ctx, invocation);
  const filter = snapshotFilter({ ...options, path: [] });
  const snapshot = await findSnapshot(ctx, snapshotSource(repository), { text, filter });
  const found = await findSnapshotPath(ctx, repository, { snapshot, path });
  if (found.node?.type !== 'file') {
    throw new OperationError('usage', `/${found.path} is a ${found.node?.type ?? 'dir'}, not a file`, {
      hint: 'dump writes one file; `understudy restore` brings back directories',
    });
  }
  const content = fileContent(ctx, repository, found.node);
  if (options.target === undefined) return writeToOutput(content, ctx.signal);
  const bytes = Number(found.node.size);
  printer.progress.phase('writing', { bytes });
  await writeTarget(options.target, content, printer.progress);
  printer.end(true);
  const fields = { snapshot_id: snapshot.id, path: `/${found.path}`, target: options.target, size: bytes };
  printer.result('dumped', fields, () => `/${found.path} written to ${options.target}, ${formatBytes(bytes)}`);
};

/** Who reads may have enough early (`| head`): that is no failure. */
async function writeToOutput(content: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
  try {
    await pipeline(Readable.from(content, { objectMode: false }), process.stdout, { signal, end: false });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== 'EPIPE' && code !== 'ERR_STREAM_DESTROYED') throw error;
  }
}
