import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { fromHex, toHex } from '../../base/hex.ts';
import type { References, SnapshotRoot } from '../references.ts';
import type { Repository } from '../repository.ts';
import type { UsedBlobs } from './usedBlobs.ts';

/** Marks every blob that a snapshot needs. Throws `repository-damaged` when one is missing or a tree cannot be read. */
export async function markReferences(
  ctx: Context,
  repository: Repository,
  from: { readonly references: References; readonly roots: readonly SnapshotRoot[]; readonly used: UsedBlobs },
): Promise<void> {
  const { references, roots, used } = from;
  repository.adoptIndex(used.index);
  let missing = 0;
  let example = '';
  const need = (type: 'data' | 'tree', id: Uint8Array): void => {
    if (used.mark(type, id)) return;
    missing++;
    example = `${type} blob ${toHex(id)}`;
  };
  await references.walk(ctx, repository, {
    roots,
    visitor: {
      tree: (id) => need('tree', fromHex(id)),
      file: ({ content }) => {
        for (let at = 0; at < content.length; at += 32) need('data', content.subarray(at, at + 32));
      },
    },
  });
  if (missing === 0) return;
  throw new OperationError(
    'repository-damaged',
    `${missing} blobs that snapshots need are missing, such as ${example}`,
    {
      hint: 'nothing was changed; `understudy check` tells which snapshots and packs it concerns',
    },
  );
}
