import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import { forEachConcurrently } from '../base/concurrency.ts';
import { parseSnapshotDocument, serializeSnapshotDocument, type SnapshotDocument } from './snapshotDocument.ts';

/** Snapshot files loaded at the same time. */
const loadConcurrency = 8;

/** A snapshot document together with the name it is stored under. */
export interface Snapshot extends SnapshotDocument {
  readonly id: string;
}

/** Where snapshot files come from; the repository offers it. */
export interface SnapshotSource {
  listIds(ctx: Context): Promise<readonly string[]>;
  /** Decrypted JSON of one snapshot file; `object-missing` when it is gone. */
  load(ctx: Context, id: string): Promise<Buffer>;
}

export interface LoadSnapshotsOptions {
  /** Called for each snapshot file that cannot be read; without it the first one is thrown. */
  readonly onUnreadable?: (id: string, error: unknown) => void;
}

/**
 * Loads every snapshot, newest first. One that is removed by somebody else after the listing is left out. Deleting
 * operations must not pass `onUnreadable`: what they cannot see, they would take for gone.
 */
export async function loadSnapshots(
  ctx: Context,
  source: SnapshotSource,
  options: LoadSnapshotsOptions = {},
): Promise<Snapshot[]> {
  const snapshots: Snapshot[] = [];
  await forEachConcurrently(await source.listIds(ctx), loadConcurrency, async (id) => {
    ctx.signal.throwIfAborted();
    try {
      snapshots.push(await loadSnapshot(ctx, source, id));
    } catch (error) {
      if (isOperationError(error, 'object-missing')) return;
      if (options.onUnreadable === undefined || ctx.signal.aborted) throw error;
      options.onUnreadable(id, error);
    }
  });
  return snapshots.toSorted(newestFirst);
}

/** Loads one snapshot by its full id. */
export async function loadSnapshot(ctx: Context, source: SnapshotSource, id: string): Promise<Snapshot> {
  return { id, ...parseSnapshotDocument(await source.load(ctx, id), id) };
}

/**
 * Stores a snapshot with the repository's `saveDocument` and returns it with its id. Everything it needs is durable.
 */
export async function saveSnapshot(
  ctx: Context,
  save: (ctx: Context, json: Buffer) => Promise<string>,
  document: SnapshotDocument,
): Promise<Snapshot> {
  return { id: await save(ctx, serializeSnapshotDocument(document)), ...document };
}

/** Order of snapshot lists: newest first; equal times by id, so that every run decides the same. */
export function newestFirst(a: Snapshot, b: Snapshot): number {
  if (a.time.ns !== b.time.ns) return a.time.ns > b.time.ns ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}
