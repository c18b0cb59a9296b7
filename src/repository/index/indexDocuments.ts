import type { Context } from '../../base/context.ts';
import type { Repository } from '../repository.ts';
import { parseIndex, type IndexedPack } from './indexDocument.ts';

/** Documents loaded ahead of the one in hand. */
const readAhead = 8;

export interface ReadIndexDocument {
  readonly id: string;
  readonly packs: readonly IndexedPack[];
}

/** Reads index documents one after the other, in the given order. Throws at the first that cannot be read. */
export async function* readIndexDocuments(
  ctx: Context,
  repository: Repository,
  ids: readonly string[],
): AsyncGenerator<ReadIndexDocument> {
  const loading: Promise<Buffer>[] = [];
  let next = 0;
  for (const id of ids) {
    while (next < ids.length && loading.length < readAhead) {
      const document = repository.loadDocument(ctx, 'index', ids[next++] ?? '');
      document.catch(() => undefined); // whoever takes it sees the error
      loading.push(document);
    }
    const json = await loading.shift();
    if (json !== undefined) yield { id, packs: parseIndex(json) };
  }
}
