import { hostname as ownHostname } from 'node:os';
import type { Context } from '../../base/context.ts';
import type { Repository } from '../../repository/repository.ts';
import { snapshotSource } from '../../snapshot/repositorySource.ts';
import { loadSnapshots, type Snapshot } from '../../snapshot/snapshots.ts';
import { sourceTags } from '../sourceSnapshot.ts';

/** The dump of this source before the new one. Nothing is taken from it but its place in the line. */
export async function findParentDump(
  ctx: Context,
  repository: Repository,
  { source, hostname = ownHostname() }: { readonly source: string; readonly hostname?: string },
): Promise<Snapshot | undefined> {
  const tags = sourceTags('dump', source);
  const snapshots = await loadSnapshots(ctx, snapshotSource(repository));
  return snapshots.find(
    (snapshot) => snapshot.hostname === hostname && tags.every((tag) => snapshot.tags.includes(tag)),
  );
}
