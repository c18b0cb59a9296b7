import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { matchesFilter, type SnapshotFilter } from './snapshotFilter.ts';
import { loadSnapshot, loadSnapshots, type Snapshot, type SnapshotSource } from './snapshots.ts';

const latest = /^latest(?:~(\d{1,9}))?$/;

const listHint = '`understudy snapshots` lists them';

/** A snapshot and a path in it: `1a2b3c4d:/srv/app`, `latest`. */
export interface SnapshotPath {
  readonly snapshot: string;
  /** Empty for the whole snapshot. */
  readonly path: string;
}

/** Splits `<snapshot>[:<path>]`. */
export function parseSnapshotPath(text: string): SnapshotPath {
  const colon = text.indexOf(':');
  return colon < 0 ? { snapshot: text, path: '' } : { snapshot: text.slice(0, colon), path: text.slice(colon + 1) };
}

/**
 * Finds one snapshot by id, unique id prefix, `latest` (of those that pass the filter) or `latest~N` (the one N before
 * it). An id is not filtered. Throws `not-found` and `ambiguous-id`.
 */
export async function findSnapshot(
  ctx: Context,
  source: SnapshotSource,
  selector: { readonly text: string; readonly filter?: SnapshotFilter },
): Promise<Snapshot> {
  const match = latest.exec(selector.text);
  if (match === null) return loadSnapshot(ctx, source, resolveIdPrefix(await source.listIds(ctx), selector.text));
  const filter = selector.filter ?? {};
  const candidates = (await loadSnapshots(ctx, source)).filter((snapshot) => matchesFilter(snapshot, filter));
  return (
    candidates[Number(match[1] ?? 0)] ??
    fail('not-found', `there is no snapshot ${selector.text}: ${candidates.length} match the filter`, listHint)
  );
}

/** The one id that begins with `prefix`. Throws `not-found` and `ambiguous-id`. */
export function resolveIdPrefix(ids: readonly string[], prefix: string): string {
  const text = prefix.toLowerCase();
  if (!/^[0-9a-f]{1,64}$/.test(text)) {
    return fail('not-found', `${JSON.stringify(prefix)} is not a snapshot id`, 'give hex digits of an id, or latest');
  }
  const found = ids.filter((id) => id.startsWith(text));
  const [id] = found;
  if (id === undefined) return fail('not-found', `no snapshot id begins with ${text}`, listHint);
  if (found.length > 1) {
    return fail('ambiguous-id', `${found.length} snapshot ids begin with ${text}`, 'give more digits of the id');
  }
  return id;
}

function fail(code: 'not-found' | 'ambiguous-id', message: string, hint?: string): never {
  throw new OperationError(code, message, hint === undefined ? {} : { hint });
}
