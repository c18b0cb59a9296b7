import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import type { Repository } from '../repository/repository.ts';
import { findNode } from '../snapshot/findPath.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';
import { parsePhysicalRecord, recordFileName, type PhysicalRecord } from './physicalRecord.ts';

/** True for a snapshot of a PostgreSQL cluster. A stock client may have removed its tags: then it is no longer told. */
export function isPhysical({ tags }: Pick<Snapshot, 'tags'>): boolean {
  return tags.includes('kind:postgres');
}

/** Loads the record of a physical snapshot. Throws `not-found` when it has none, `repository-damaged`. */
export async function loadPhysicalRecord(
  ctx: Context,
  repository: Repository,
  snapshot: Pick<Snapshot, 'tree' | 'paths'>,
): Promise<PhysicalRecord> {
  const path = `${snapshot.paths[0] ?? ''}/${recordFileName}`;
  const node = await findNode(ctx, (inner, id) => repository.loadBlob(inner, 'tree', id), snapshot.tree, path);
  if (node.type !== 'file') {
    throw new OperationError('not-found', `${path} is not a file of the snapshot`, {
      hint: 'is it a snapshot that understudy took of a PostgreSQL cluster?',
    });
  }
  const parts: Buffer[] = [];
  for (const id of node.content) parts.push(await repository.loadBlob(ctx, 'data', id));
  return parsePhysicalRecord(Buffer.concat(parts));
}
