import type { Context } from '../base/context.ts';
import { checkMirror, type MirrorCheck } from './git/checkMirror.ts';
import { git, tryGit, type GitCall } from './git/gitProgram.ts';
import { foreignRefs, keptRefs, listRefs, parseRefs, refsUnder, type Refs } from './git/refs.ts';
import type { GitRecord } from './gitRecord.ts';

/** What a mirror names: as the record of its backup has it. */
export interface MirrorRefs extends Pick<GitRecord, 'head'> {
  /** Those of the repository, without ours. */
  readonly refs: Refs;
  readonly kept: readonly string[];
}

/** What is checked out may name a server from which Git LFS would fetch, wherever that is. */
const noDownloads = ['filter.lfs.smudge=', 'filter.lfs.process=', 'filter.lfs.required=false'];

/** Refs in the text of a mirror's `packed-refs`. */
export function parsePackedRefs(text: string): Omit<MirrorRefs, 'head'> {
  return refsOf(parseRefs(text));
}

/** Refs and head of a mirror on the disk, which must be ours. Throws `program-failed`, `program-missing`. */
export async function readMirrorRefs(ctx: Context, path: string): Promise<MirrorRefs> {
  const ask = (...args: string[]): GitCall => ({ args, directory: path, unconfigured: true });
  const all = parseRefs(await git(ctx, ask(...listRefs)));
  const ref = await tryGit(ctx, ask('symbolic-ref', '--quiet', 'HEAD'));
  const id = await tryGit(ctx, ask('rev-parse', '--quiet', '--verify', 'HEAD'));
  const answer = ({ stdout, status }: { stdout: string; status: number }): string | null =>
    status === 0 ? stdout.trim() : null;
  return { ...refsOf(all), head: { ref: answer(ref), id: answer(id) } };
}

/** Reads every object and all that they name. */
export function checkRestoredMirror(ctx: Context, path: string): Promise<MirrorCheck> {
  return checkMirror(ctx, { path, unconfigured: true });
}

/**
 * Clones a mirror through git's own transport, which makes every object anew, and checks out its head. Resolves with
 * the commit that is checked out; null where the mirror has none.
 */
export async function cloneMirror(
  ctx: Context,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<string | null> {
  const settings = noDownloads.flatMap((setting) => ['-c', setting]);
  const args = ['clone', '--quiet', '--no-local', '--template=', ...settings, '--', from, to];
  await git(ctx, { args, directory: from, unconfigured: true });
  return (await readMirrorRefs(ctx, to)).head.id;
}

function refsOf(all: Refs): Omit<MirrorRefs, 'head'> {
  return { refs: foreignRefs(all), kept: [...refsUnder(all, keptRefs).keys()] };
}
