import type { Context } from '../../base/context.ts';
import { isOperationError } from '../../base/errors.ts';
import type { BranchComparison, RemoteComparison } from '../gitRecord.ts';
import type { Mirror } from './mirror.ts';
import { refsUnder, type Refs } from './refs.ts';
import type { RemoteUrl } from './remoteUrl.ts';

/** Compares the branches of a mirror with those of a remote. That it cannot be reached is an answer. */
export async function compareRemote(
  ctx: Context,
  mirror: Mirror,
  { name, remote }: { readonly name: string; readonly remote: RemoteUrl },
): Promise<RemoteComparison> {
  const { url } = remote;
  try {
    const there = await mirror.followRemote(ctx, name, remote);
    const here = refsUnder(await mirror.refs(ctx), 'refs/heads/');
    return {
      name,
      url,
      state: 'reachable',
      reason: null,
      branches: await compareBranches(ctx, mirror, { here, there }),
    };
  } catch (error) {
    if (!isOperationError(error, 'program-failed') || ctx.signal.aborted) throw error;
    return { name, url, state: 'unreachable', reason: error.message, branches: [] };
  }
}

async function compareBranches(
  ctx: Context,
  mirror: Mirror,
  { here, there }: { readonly here: Refs; readonly there: Refs },
): Promise<BranchComparison[]> {
  const names = [...new Set([...here.keys(), ...there.keys()])].sort();
  const branches: BranchComparison[] = [];
  for (const name of names) {
    const [ours, theirs] = [here.get(name), there.get(name)];
    if (ours === undefined) branches.push({ name, state: 'only-there', ahead: 0, behind: 0 });
    else if (theirs === undefined) branches.push({ name, state: 'only-here', ahead: 0, behind: 0 });
    else branches.push({ name, ...(await compareCommits(ctx, mirror, [ours, theirs])) });
  }
  return branches;
}

async function compareCommits(
  ctx: Context,
  mirror: Mirror,
  [ours, theirs]: readonly [string, string],
): Promise<Omit<BranchComparison, 'name'>> {
  if (ours === theirs) return { state: 'equal', ahead: 0, behind: 0 };
  const counts = await mirror.git(ctx, 'rev-list', '--left-right', '--count', `${ours}...${theirs}`);
  const [ahead = 0, behind = 0] = counts.trim().split('\t').map(Number);
  return { state: ahead === 0 ? 'behind' : behind === 0 ? 'ahead' : 'diverged', ahead, behind };
}
