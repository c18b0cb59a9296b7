import type { Context } from '../../base/context.ts';
import type { Repository } from '../../repository/repository.ts';
import type { FileNode } from '../../snapshot/node.ts';

/** Blobs fetched ahead of the one that is written. */
const readAhead = 4;

/** The content of a file in order, blob by blob; each has been authenticated and its hash compared. */
export async function* fileContent(ctx: Context, repository: Repository, node: FileNode): AsyncGenerator<Buffer> {
  const ids = node.content[Symbol.iterator]();
  const loading: Promise<Buffer>[] = [];
  const begin = (): void => {
    const { done, value } = ids.next();
    if (done === true) return;
    const blob = repository.loadBlob(ctx, 'data', value);
    blob.catch(() => undefined); // whoever takes it sees the error
    loading.push(blob);
  };
  for (let count = 0; count < readAhead; count++) begin();
  for (let next = loading.shift(); next !== undefined; next = loading.shift()) {
    begin();
    yield await next;
  }
}
