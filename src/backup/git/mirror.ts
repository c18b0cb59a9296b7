import { closeSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import { loadPosix } from '../../base/posix.ts';
import { git, serving, tryGit } from './gitProgram.ts';
import type { GitSource, SourceRefs } from './gitSource.ts';
import { equalRefs, foreignRefs, keptRefs, listRefs, ownRefs, parseRefs, refsUnder, type Refs } from './refs.ts';
import type { RemoteUrl } from './remoteUrl.ts';

/** Packs are put together only when there are so many, and of those only small ones: what was stored stays as it is. */
const mostPacks = 50;
const mostTries = 3;

/**
 * A bare repository that is kept between backups. What is fetched comes as one new pack; old packs are never written
 * anew, so that a backup stores what is new and nothing else.
 */
export class Mirror implements Disposable {
  readonly path: string;
  readonly #lockFd: number;

  private constructor(path: string, lockFd: number) {
    this.path = path;
    this.#lockFd = lockFd;
  }

  /** Opens the mirror in a directory, or makes one. Throws `repository-locked` while another run uses it. */
  static async open(ctx: Context, directory: string, objectFormat: GitSource['objectFormat']): Promise<Mirror> {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const lockFd = openSync(directory, 'r');
    const mirror = new Mirror(join(directory, 'repository.git'), lockFd);
    try {
      if (loadPosix()?.tryLock(lockFd) === false) throw inUse(directory);
      await mirror.#prepare(ctx, objectFormat);
      return mirror;
    } catch (error) {
      mirror[Symbol.dispose]();
      throw error;
    }
  }

  async refs(ctx: Context): Promise<Refs> {
    return parseRefs(await this.git(ctx, ...listRefs));
  }

  git(ctx: Context, ...args: string[]): Promise<string> {
    return git(ctx, { args, directory: this.path });
  }

  /** Makes all refs those of the source. Throws `program-failed`, `source-changed` when it never stands still. */
  async follow(ctx: Context, source: GitSource): Promise<SourceRefs> {
    for (let tries = 0; tries < mostTries; tries++) {
      const wanted = await source.readRefs(ctx);
      await this.#forget(ctx, wanted);
      const kept = wanted.kept.map((id) => `${id}:${keptRefs}${id}`);
      const shallow = source.isShallow ? ['--update-shallow'] : [];
      await this.fetch(ctx, source.remote, [
        ...shallow,
        '--',
        source.remote.url,
        '+refs/*:refs/*',
        `^${ownRefs}*`,
        ...kept,
      ]);
      const there = await this.refs(ctx);
      if (!equalRefs(foreignRefs(there), wanted.refs)) continue;
      if (wanted.kept.some((id) => there.get(keptRefs + id) !== id)) continue;
      await this.#pointHead(ctx, wanted);
      return wanted;
    }
    throw new OperationError('source-changed', `${source.remote.url} changed each time it was mirrored`, {
      hint: 'run the backup again; does it hide refs (transfer.hideRefs)?',
    });
  }

  /** Fetches branches and tags of a remote, to be compared; what is only there is then in the backup too. */
  async followRemote(ctx: Context, name: string, remote: RemoteUrl): Promise<Refs> {
    const to = `${ownRefs}remotes/${name}/`;
    const refspecs = [`+refs/heads/*:${to}heads/*`, `+refs/tags/*:${to}tags/*`];
    await this.fetch(ctx, remote, ['--prune', '--', remote.url, ...refspecs]);
    return refsUnder(await this.refs(ctx), `${to}heads/`);
  }

  /** Few files, the same for the same content: all refs in one, and not too many packs. */
  async settle(ctx: Context): Promise<{ packs: number; sizeBytes: number }> {
    await this.git(ctx, 'pack-refs', '--all');
    if ((await this.#count(ctx)).packs > mostPacks) await this.git(ctx, 'repack', '--geometric=2', '-d', '-q');
    return this.#count(ctx);
  }

  /** Throws the mirror away and begins anew. */
  async rebuild(ctx: Context, objectFormat: GitSource['objectFormat']): Promise<void> {
    rmSync(this.path, { recursive: true, force: true });
    mkdirSync(this.path, { mode: 0o700 });
    const parent = join(this.path, '..');
    const args = ['init', '--quiet', '--bare', '--template=', `--object-format=${objectFormat}`, this.path];
    await git(ctx, { args, directory: parent });
  }

  [Symbol.dispose](): void {
    closeSync(this.#lockFd);
  }

  async fetch(ctx: Context, remote: RemoteUrl, words: readonly string[]): Promise<void> {
    const args = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--force', ...serving(remote), ...words];
    await git(ctx, { args, directory: this.path, remote });
  }

  async #prepare(ctx: Context, objectFormat: GitSource['objectFormat']): Promise<void> {
    removeLeftovers(this.path);
    const args = ['rev-parse', '--is-bare-repository', '--show-object-format'];
    const { stdout, status } = await tryGit(ctx, { args: [`--git-dir=${this.path}`, ...args], directory: '/' });
    if (status !== 0 || stdout.trim() !== `true\n${objectFormat}`) await this.rebuild(ctx, objectFormat);
  }

  /** Removes refs that the source no longer has: they could be in the way of new ones (`a` of `a/b`). */
  async #forget(ctx: Context, wanted: SourceRefs): Promise<void> {
    const kept = new Set(wanted.kept.map((id) => keptRefs + id));
    const gone = [...(await this.refs(ctx)).keys()].filter((name) =>
      name.startsWith(ownRefs) ? name.startsWith(keptRefs) && !kept.has(name) : !wanted.refs.has(name),
    );
    if (gone.length === 0) return;
    const input = gone.map((name) => `delete ${name}\n`).join('');
    await git(ctx, { args: ['update-ref', '--stdin'], directory: this.path, input });
  }

  async #pointHead(ctx: Context, { head }: SourceRefs): Promise<void> {
    if (head.ref !== null) await this.git(ctx, 'symbolic-ref', 'HEAD', head.ref);
    else if (head.id !== null) await this.git(ctx, 'update-ref', '--no-deref', 'HEAD', head.id);
  }

  async #count(ctx: Context): Promise<{ packs: number; sizeBytes: number }> {
    const text = await this.git(ctx, 'count-objects', '-v');
    const value = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
    return { packs: value('packs'), sizeBytes: (value('size') + value('size-pack')) * 1024 };
  }
}

function inUse(directory: string): OperationError {
  return new OperationError('repository-locked', `another run uses the mirror in ${directory}`, {
    hint: 'wait for its end; a run that was killed holds nothing',
  });
}

/** Locks and unfinished packs of a git that was killed; nobody else is here, we hold the lock. */
function removeLeftovers(path: string): void {
  let names: string[];
  try {
    names = readdirSync(path, { recursive: true, encoding: 'utf8' });
  } catch {
    return; // there is no mirror yet
  }
  for (const name of names) {
    // elsewhere that is how a branch may be called
    if (/\.lock$|^objects\/(.*\/)?tmp_[^/]*$/.test(name)) rmSync(join(path, name), { recursive: true, force: true });
  }
}
