import { z } from 'zod';
import { parseRecord } from '../backup/recordJson.ts';
import { loadRecordFile } from '../backup/sourceSnapshot.ts';
import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import type { Repository } from '../repository/repository.ts';
import type { Snapshot } from '../snapshot/snapshots.ts';

/** What retention asks of a record of any kind. */
const schema = z.looseObject({
  format: z.literal(1),
  kind: z.string(),
  source: z.string(),
  sizeBytes: z.number().optional(),
  outcome: z.string().optional(),
  pages: z.object({ badCount: z.number() }).optional(),
});

export type SourceRecord = z.infer<typeof schema>;

/** The record of a snapshot of ours, of whatever kind. Throws `not-found`, `repository-damaged`, `-unsupported`. */
export async function loadSourceRecord(
  ctx: Context,
  repository: Repository,
  snapshot: Pick<Snapshot, 'tree' | 'paths'>,
): Promise<SourceRecord> {
  return parseRecord(schema, await loadRecordFile(ctx, repository, snapshot));
}

/** Why one must not count on recovering from a snapshot. `partial`: something of it is missing or bad, not all. */
export interface Flaw {
  readonly reason: string;
  readonly partial: boolean;
}

/** What the record of a snapshot says about it. */
export interface RecordFacts {
  /** Undefined when it tells nothing bad. */
  readonly flaw: Flaw | undefined;
  readonly sizeBytes: number | undefined;
}

/** Reads what a record says; one that cannot be read is a flaw. */
export async function loadRecordFacts(ctx: Context, repository: Repository, snapshot: Snapshot): Promise<RecordFacts> {
  try {
    const record = await loadSourceRecord(ctx, repository, snapshot);
    return { flaw: flawOf(record), sizeBytes: record.sizeBytes };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    const flaw = { reason: `its record cannot be read: ${error.message}`, partial: false };
    return { flaw, sizeBytes: undefined };
  }
}

function flawOf({ outcome, pages }: SourceRecord): Flaw | undefined {
  if (outcome === 'incomplete') return { reason: 'it is incomplete', partial: true };
  if (pages !== undefined && pages.badCount > 0) return { reason: 'it has pages with wrong checksums', partial: true };
  return undefined;
}

/** True when it is the snapshot that cannot be read, and storage is well. */
export function isUnreadable(error: unknown): error is Error {
  return isOperationError(error, 'not-found', 'object-missing', 'repository-damaged', 'repository-unsupported');
}
