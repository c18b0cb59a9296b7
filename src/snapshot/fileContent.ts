import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import type { Repository } from '../repository/repository.ts';
import { findNode } from './findPath.ts';
import type { FileNode } from './node.ts';
import { treeLoader } from './repositorySource.ts';

/** Blobs fetched ahead of the one that is handed over. */
const readAhead = 4;

/** The content of a file in order, blob by blob; each has been authenticated and its hash compared. */
export async function* fileContent(
  ctx: Context,
  repository: Repository,
  node: Pick<FileNode, 'content'>,
): AsyncGenerator<Buffer> {
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

/** The content of a small file of a snapshot as a whole. Throws `not-found`, `repository-damaged`. */
export async function loadSnapshotFile(
  ctx: Context,
  repository: Repository,
  file: { readonly treeId: string; readonly path: string },
): Promise<Buffer> {
  const node = await findNode(ctx, treeLoader(repository), file.treeId, file.path);
  if (node.type !== 'file') throw new OperationError('not-found', `${file.path} is no file in the snapshot`);
  return loadFileNode(ctx, repository, node);
}

/** The content of a small file as a whole. */
export async function loadFileNode(
  ctx: Context,
  repository: Repository,
  node: Pick<FileNode, 'content'>,
): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of fileContent(ctx, repository, node)) parts.push(part);
  return Buffer.concat(parts);
}
