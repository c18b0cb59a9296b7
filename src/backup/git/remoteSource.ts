import type { Context } from '../../base/context.ts';
import { git, serving } from './gitProgram.ts';
import type { GitSource, SourceRefs } from './gitSource.ts';
import { foreignRefs, parseRefs } from './refs.ts';
import type { RemoteUrl } from './remoteUrl.ts';

const listTimeoutMs = 120_000;

/** A repository that is only to be had as a remote. Throws `program-failed` when it is not there. */
export async function openRemoteSource(ctx: Context, remote: RemoteUrl): Promise<GitSource> {
  const readRefs = (at: Context): Promise<SourceRefs> => listRemote(at, remote);
  const { refs } = await readRefs(ctx);
  const idLength = refs.values().next().value?.length;
  return { remote, isShallow: false, objectFormat: idLength === 64 ? 'sha256' : 'sha1', readRefs };
}

async function listRemote(ctx: Context, remote: RemoteUrl): Promise<SourceRefs> {
  const args = ['ls-remote', '--symref', ...serving(remote), '--', remote.url];
  const text = await git(ctx, { args, directory: '/', remote, timeoutMs: listTimeoutMs });
  const refs = foreignRefs(parseRefs(text));
  const ref = /^ref: (\S+)\tHEAD$/m.exec(text)?.[1] ?? null;
  const id = /^([0-9a-f]+)\tHEAD$/m.exec(text)?.[1] ?? null;
  const isNamed = id === null || [...refs.values()].includes(id);
  return { refs, head: { ref, id }, kept: isNamed ? [] : [id] };
}
