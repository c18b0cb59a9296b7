import type { Context } from '../../base/context.ts';
import type { GitRecord } from '../gitRecord.ts';
import { git, tryGit } from './gitProgram.ts';
import type { LocalSource } from './gitSource.ts';

/** What belongs to a repository and is not in git, so not in the mirror either. */
export type WorkingState = Pick<GitRecord, 'working' | 'stashes' | 'submodules' | 'usesLfs'>;

export async function readWorkingState(ctx: Context, source: LocalSource): Promise<WorkingState> {
  const at = { directory: source.path, user: source.user };
  const stashes = await tryGit(ctx, { ...at, args: ['log', '-g', '--format=%H', 'refs/stash', '--'] });
  return {
    working: source.isBare ? null : await countChanges(ctx, source),
    stashes: stashes.status === 0 ? stashes.stdout.split('\n').filter((line) => line !== '').length : 0,
    submodules: await listSubmodules(ctx, source),
    usesLfs: await findLfs(ctx, source),
  };
}

async function countChanges(ctx: Context, { path, user }: LocalSource): Promise<NonNullable<GitRecord['working']>> {
  const args = ['status', '--porcelain=v2', '-z', '--untracked-files=normal'];
  const entries = (await git(ctx, { args, directory: path, user })).split('\0');
  let changed = 0;
  let untracked = 0;
  for (let at = 0; at < entries.length; at++) {
    const kind = entries[at]?.slice(0, 2);
    if (kind === '? ') untracked++;
    else if (kind === '1 ' || kind === '2 ' || kind === 'u ') changed++;
    if (kind === '2 ') at++; // a renamed file: its old name follows
  }
  return { changed, untracked };
}

async function listSubmodules(ctx: Context, { path, user }: LocalSource): Promise<string[]> {
  const args = ['config', '-z', '--blob', 'HEAD:.gitmodules', '--get-regexp', String.raw`^submodule\..*\.path$`];
  const { stdout } = await tryGit(ctx, { args, directory: path, user });
  return stdout.split('\0').flatMap((entry) => (entry === '' ? [] : [entry.slice(entry.indexOf('\n') + 1)]));
}

async function findLfs(ctx: Context, { path, user }: LocalSource): Promise<boolean> {
  const args = ['grep', '-q', '-e', 'filter=lfs', 'HEAD', '--', ':(glob)**/.gitattributes'];
  return (await tryGit(ctx, { args, directory: path, user })).status === 0;
}
