import { hostname as ownHostname } from 'node:os';
import type { Context } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
import { snapshotSource } from '../snapshot/repositorySource.ts';
import { loadSnapshots, type Snapshot } from '../snapshot/snapshots.ts';
import { sourceTags, type SourceKind } from './sourceSnapshot.ts';

/** The snapshots of a source that were made on this host, newest first. */
export async function earlierSnapshots(
  ctx: Context,
  repository: Repository,
  of: { readonly kind: SourceKind; readonly source: string; readonly hostname: string | undefined },
): Promise<Snapshot[]> {
  const hostname = of.hostname ?? ownHostname();
  const tags = sourceTags(of.kind, of.source);
  const snapshots = await loadSnapshots(ctx, snapshotSource(repository));
  return snapshots.filter((each) => each.hostname === hostname && tags.every((tag) => each.tags.includes(tag)));
}
