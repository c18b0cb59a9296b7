import type { Context } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
import type { BlobList } from '../snapshot/blobList.ts';

/** Blobs that are fetched ahead of the one being written; what is held in memory. */
const readAhead = 6;

/**
 * Writes the content of one file, in order, each blob verified before it is written. `write` may apply back-pressure by
 * its promise. Throws `repository-damaged` for a blob that cannot be had; what came before it is written then.
 */
export async function dumpFile(
  ctx: Context,
  repository: Repository,
  { content, write }: { readonly content: BlobList; readonly write: (bytes: Buffer) => Promise<void> | void },
): Promise<void> {
  const coming: Promise<Buffer>[] = [];
  const writeNext = async (): Promise<void> => {
    const blob = await coming.shift();
    if (blob !== undefined) await write(blob);
  };
  for (const id of content) {
    ctx.signal.throwIfAborted();
    const blob = repository.loadBlob(ctx, 'data', id);
    blob.catch(() => undefined); // seen when its turn comes
    coming.push(blob);
    if (coming.length > readAhead) await writeNext();
  }
  while (coming.length > 0) await writeNext();
}
