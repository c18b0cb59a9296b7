import type { Context } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
import { matchesFilter, parseTagList, type SnapshotFilter } from '../snapshot/snapshotFilter.ts';
import { findSnapshot } from '../snapshot/snapshotSelector.ts';
import { loadSnapshots, type Snapshot } from '../snapshot/snapshots.ts';
import { snapshotSource } from '../snapshot/repositorySource.ts';
import type { OptionValues } from './spec.ts';
import type { snapshotFlags } from './specs/snapshotFlags.ts';

export type SnapshotFlags = OptionValues<typeof snapshotFlags>;

/** The filter that the flags stand for. A source is a tag, which has to be there beside those of `--tag`. */
export function snapshotFilter({ source, tag, host, path }: SnapshotFlags): SnapshotFilter {
  const sources = source.map((name) => `source:${name}`);
  const lists = tag.map(parseTagList);
  const tags =
    sources.length === 0 || lists.length === 0
      ? [...sources.map((name) => [name]), ...lists]
      : sources.flatMap((name) => lists.map((list) => [name, ...list]));
  return { hosts: host, tags, paths: path };
}

/** The named snapshots, each once, or all that pass the flags, newest first. Throws `not-found`, `ambiguous-id`. */
export async function chooseSnapshots(
  ctx: Context,
  repository: Repository,
  { names, flags }: { readonly names: readonly string[]; readonly flags: SnapshotFlags },
): Promise<Snapshot[]> {
  const source = snapshotSource(repository);
  const filter = snapshotFilter(flags);
  if (names.length === 0) {
    return (await loadSnapshots(ctx, source)).filter((snapshot) => matchesFilter(snapshot, filter));
  }
  const chosen = new Map<string, Snapshot>();
  for (const text of names) {
    const snapshot = await findSnapshot(ctx, source, { text, filter });
    chosen.set(snapshot.id, snapshot);
  }
  return [...chosen.values()];
}
