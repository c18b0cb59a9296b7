import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Context } from '../../base/context.ts';
import { OperationError, isOperationError } from '../../base/errors.ts';
import { runProgram, type OsUser } from '../../postgres/runProgram.ts';
import type { GitRecord } from '../gitRecord.ts';
import { git, reasonOf, tryGit } from './gitProgram.ts';
import { foreignRefs, listRefs, parseRefs, type Refs } from './refs.ts';
import { parseRemoteUrl, type RemoteUrl } from './remoteUrl.ts';

const nobodysGroup = 65_534;

/** What is to be mirrored, at one moment. */
export interface SourceRefs {
  readonly refs: Refs;
  readonly head: GitRecord['head'];
  /** Commits that no ref names. */
  readonly kept: readonly string[];
}

/** A repository from which a mirror is made. */
export interface GitSource {
  readonly remote: RemoteUrl;
  readonly objectFormat: 'sha1' | 'sha256';
  readonly isShallow: boolean;
  readRefs(ctx: Context): Promise<SourceRefs>;
}

/** A repository on this machine, which can be looked into. */
export interface LocalSource extends GitSource {
  readonly path: string;
  readonly isBare: boolean;
  /** As whom git reads it: its owner, so that nothing in it can act with the rights of root. */
  readonly user: OsUser | undefined;
}

/** Opens a working directory or bare repository. Throws `file-missing`, `source-unsuitable` when it is none. */
export async function openLocalSource(ctx: Context, directory: string): Promise<LocalSource> {
  const path = resolve(directory);
  const user = await ownerOf(ctx, path);
  const args = ['rev-parse', '--is-bare-repository', '--is-shallow-repository', '--show-object-format'];
  const { stdout, stderr, status } = await tryGit(ctx, { args, directory: path, user });
  if (status !== 0) {
    throw new OperationError('source-unsuitable', `${path} cannot be backed up with git: ${reasonOf(stderr)}`, {
      hint: 'name a working directory or a bare repository; run as root or as its owner',
    });
  }
  const [bare, shallow, objectFormat] = stdout.trim().split('\n');
  const readRefs = (at: Context): Promise<SourceRefs> => readLocalRefs(at, path, user);
  return {
    path,
    user,
    remote: { url: path, isLocal: true },
    isBare: bare === 'true',
    isShallow: shallow === 'true',
    objectFormat: objectFormat === 'sha256' ? 'sha256' : 'sha1',
    readRefs,
  };
}

/** The remotes that a repository knows. */
export async function readRemotes(ctx: Context, { path, user }: LocalSource): Promise<Map<string, RemoteUrl>> {
  const args = ['config', '-z', '--get-regexp', String.raw`^remote\..*\.url$`];
  const { stdout } = await tryGit(ctx, { args, directory: path, user });
  const remotes = new Map<string, RemoteUrl>();
  for (const entry of stdout.split('\0')) {
    const [, name, url] = /^remote\.(.+)\.url\n(.+)$/s.exec(entry) ?? [];
    // of several URLs git fetches from the first
    if (name !== undefined && url !== undefined && !remotes.has(name)) remotes.set(name, parseRemoteUrl(url, path));
  }
  return remotes;
}

async function readLocalRefs(ctx: Context, directory: string, user: OsUser | undefined): Promise<SourceRefs> {
  const run = (...args: string[]): Promise<string> => git(ctx, { args, directory, user });
  const refs = foreignRefs(parseRefs(await run(...listRefs)));
  const head = await readHead(ctx, directory, user);
  const stashes = refs.has('refs/stash') ? await run('log', '-g', '--format=%H', 'refs/stash', '--') : '';
  const worktrees = await run('worktree', 'list', '--porcelain');
  const heads = [...worktrees.matchAll(/^HEAD ([0-9a-f]+)$/gm)].map(([, id]) => id ?? '');
  const named = new Set(refs.values());
  const others = new Set([...stashes.split('\n'), ...heads, head.id ?? '']);
  const kept = [...others].filter((id) => /[1-9a-f]/.test(id) && !named.has(id)).sort();
  return { refs, head, kept };
}

async function readHead(ctx: Context, directory: string, user: OsUser | undefined): Promise<GitRecord['head']> {
  const symbolic = await tryGit(ctx, { args: ['symbolic-ref', '-q', 'HEAD'], directory, user });
  const commit = await tryGit(ctx, { args: ['rev-parse', '--verify', '-q', 'HEAD'], directory, user });
  return {
    ref: symbolic.status === 0 ? symbolic.stdout.trim() : null,
    id: commit.status === 0 ? commit.stdout.trim() : null,
  };
}

async function ownerOf(ctx: Context, path: string): Promise<OsUser | undefined> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw new OperationError('file-missing', `there is no git repository at ${path}: the path does not exist`, {
      hint: 'is the path right, and its disk mounted?',
    });
  }
  if (process.getuid?.() !== 0 || stat.uid === 0) return undefined;
  return { name: String(stat.uid), uid: stat.uid, gid: await primaryGroup(ctx, stat.uid) };
}

/** Never the group of the directory: it may be one that its owner is not in. */
async function primaryGroup(ctx: Context, uid: number): Promise<number> {
  try {
    return Number((await runProgram(ctx, { program: 'id', args: ['-g', String(uid)] })).stdout);
  } catch (error) {
    if (!isOperationError(error, 'program-failed') || ctx.signal.aborted) throw error;
    return nobodysGroup; // no account has this number: a volume of a container
  }
}
