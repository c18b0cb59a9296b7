import type { Context } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';
import { parsePhysicalRecord, type PhysicalRecord } from './physicalRecord.ts';
import { kindOf, loadRecordFile } from './sourceSnapshot.ts';

/** True for a snapshot of a PostgreSQL cluster. A stock client may have removed its tags: then it is no longer told. */
export function isPhysical(snapshot: Pick<Snapshot, 'tags'>): boolean {
  return kindOf(snapshot) === 'postgres';
}

/** Loads the record of a physical snapshot. Throws `not-found` when it has none, `repository-damaged`. */
export async function loadPhysicalRecord(
  ctx: Context,
  repository: Repository,
  snapshot: Pick<Snapshot, 'tree' | 'paths'>,
): Promise<PhysicalRecord> {
  return parsePhysicalRecord(await loadRecordFile(ctx, repository, snapshot));
}
