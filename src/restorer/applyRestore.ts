import { renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Context } from '../base/context.ts';
import { OperationError } from '../base/errors.ts';
import { loadPosix } from '../base/posix.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import type { BlobProblem } from '../repository/blobConsumer.ts';
import type { Repository } from '../repository/repository.ts';
import { layOutContent, stateDamaged, type Content, type ContentFile } from './content.ts';
import { onDestination } from './destinationErrors.ts';
import { createDirectories, finishDirectories, type OwnerOf } from './directories.ts';
import { bytesOf, statExisting } from './existingEntries.ts';
import { FileSystems, syncNames } from './fileSystems.ts';
import { shareAttributes } from './fileAttributes.ts';
import type { QuickEqualReference } from './quickEqual.ts';
import { openRestorer, restoreContent, runTask, type RestoreContentOptions, type Restorer } from './restoreContent.ts';
import type { RestorePlan } from './restorePlan.ts';
import { createHardLinks, createSpecials } from './specialFiles.ts';
import { incompleteSuffix } from './worker/finishFiles.ts';

export interface ApplyRestoreOptions {
  readonly progress?: Progress;
  /** Worker threads; default one a core; 0 works in this thread. */
  readonly threads?: number;
  /** Threads that `openRestorer` started earlier, while the caller planned; the caller closes them. */
  readonly restorer?: Restorer;
  /**
   * Files that must not be there before everything else is, and durable: they are written as `<name>.understudy-
   * incomplete` and renamed at the very end. Gets the path relative to the destination, latin1 text.
   */
  readonly last?: (path: string) => boolean;
  /** Default true. False for a copy that nobody needs after a crash but soon reads: it stays in the page cache. */
  readonly fsync?: boolean;
  /** Proves faster than by hashing what existing files hold. */
  readonly quickEqual?: QuickEqualReference;
  /** Default: the stored numbers for root; for others everything belongs to who restores. */
  readonly owner?: 'stored' | 'keep' | { readonly uid: number; readonly gid: number };
}

export interface RestoreResult {
  readonly files: number;
  readonly totalBytes: number;
  /** Bytes that existing files held already. */
  readonly equalBytes: number;
  readonly fetchedBytes: number;
  /** Attributes and devices that the file system, or our rights, did not allow; as text. */
  readonly refused: readonly string[];
}

/**
 * Executes a plan. When it resolves everything is in place and durable. Damage in the repository does not stop it: all
 * that is good is restored, damaged files are named `<name>.understudy-incomplete`, the `last` files stay under that
 * name too, and it throws `repository-damaged` with every problem in `detail`. Throws `destination-full`, `destination-
 * io`, `file-denied`; after those, and after an abort, the destination is half restored.
 */
export async function applyRestore(
  ctx: Context,
  repository: Repository,
  plan: RestorePlan,
  options: ApplyRestoreOptions = {},
): Promise<RestoreResult> {
  const restore = new Restore(ctx, plan, options);
  if (options.restorer !== undefined) return restore.run(options.restorer);
  await using restorer = openRestorer(ctx, repository, options.threads);
  return await restore.run(restorer);
}

class Restore {
  readonly #ctx: Context;
  readonly #plan: RestorePlan;
  readonly #options: ApplyRestoreOptions;
  readonly #progress: Progress;
  readonly #posix = loadPosix();
  readonly #ownerOf: OwnerOf;
  /** Paths under which files are restored. */
  readonly #workPaths: readonly string[];

  constructor(ctx: Context, plan: RestorePlan, options: ApplyRestoreOptions) {
    this.#ctx = ctx;
    this.#plan = plan;
    this.#options = options;
    this.#progress = options.progress ?? silentProgress;
    this.#ownerOf = ownerRule(options.owner ?? (process.getuid?.() === 0 ? 'stored' : 'keep'));
    const isLast = (relative: string): boolean => options.last?.(relative) ?? false;
    this.#workPaths = plan.files.map(({ path, relative }) => {
      return isLast(relative) ? path + incompleteSuffix : path;
    });
  }

  async run(threads: Restorer): Promise<RestoreResult> {
    const plan = this.#plan;
    this.#ctx.signal.throwIfAborted();
    this.#makeRoom();
    createDirectories(plan.directories);
    using fileSystems = this.#posix && new FileSystems(this.#posix);
    for (const { path } of plan.directories) fileSystems?.add(path);

    const content = layOutContent(plan.index.table('data'), this.#contentFiles());
    const restored = await restoreContent(threads, content, {
      index: plan.index,
      durable: this.#options.fsync !== false,
      progress: this.#progress,
      ...this.#quick(),
    });
    this.#ctx.signal.throwIfAborted();
    const refused = await this.#finishFiles(threads);
    createHardLinks(plan.hardLinks, this.#completePaths(content));
    const rights = { posix: this.#posix, ownerOf: this.#ownerOf };
    refused.push(...createSpecials(plan.specials, rights), ...finishDirectories(plan.directories, rights));
    this.#sync(fileSystems);

    const problems = [...plan.problems, ...restored.problems];
    if (problems.length > 0) throw damaged(problems);
    this.#putLastFilesInPlace();
    const { equalBytes, fetchedBytes } = restored;
    return { files: plan.files.length, totalBytes: plan.totalBytes, equalBytes, fetchedBytes, refused };
  }

  /** Removes what is in the way, and takes their names from files that must not look complete before they are. */
  #makeRoom(): void {
    const { obstacles, surplus, lost, files } = this.#plan;
    for (const path of [...obstacles, ...surplus]) remove(path);
    for (const path of lost) rename(path, path + incompleteSuffix);
    files.forEach((file, number) => {
      const workPath = this.#workPaths[number]!;
      if (workPath === file.path) return;
      if (file.exists) rename(file.path, workPath);
      else remove(workPath);
    });
    if (this.#options.fsync === false) return;
    // no crash may bring back what would make the destination look complete
    for (const directory of this.#lastFileDirectories()) {
      if (statExisting(directory) !== undefined) syncNames(directory);
    }
  }

  #quick(): Pick<RestoreContentOptions, 'quick'> {
    const { quickEqual } = this.#options;
    if (quickEqual === undefined) return {};
    const { module, options, proofOf } = quickEqual;
    return { quick: { module, options, proofs: this.#plan.files.map(({ relative }) => proofOf(relative)) } };
  }

  #contentFiles(): ContentFile[] {
    return this.#plan.files.map((file, number) => ({
      path: this.#workPaths[number]!,
      sizeBytes: file.sizeBytes,
      entries: file.entries,
      exists: file.exists,
    }));
  }

  /** Where the complete files are, by planned path. */
  #completePaths(content: Content): Map<string, string> {
    const complete = new Map<string, string>();
    this.#plan.files.forEach(({ path }, file) => {
      if ((content.states[file]! & stateDamaged) === 0) complete.set(path, this.#workPaths[file]!);
    });
    return complete;
  }

  async #finishFiles(threads: Restorer): Promise<string[]> {
    const { files } = this.#plan;
    this.#progress.phase('setting attributes', { items: files.length });
    const refused = await runTask<string[]>(threads, {
      kind: 'finish',
      attributes: shareAttributes(files, this.#ownerOf),
      fsync: this.#options.fsync !== false && this.#posix === undefined,
      next: new Int32Array(new SharedArrayBuffer(4)),
    });
    return refused.flat();
  }

  #sync(fileSystems: FileSystems | undefined): void {
    if (this.#options.fsync === false) return;
    this.#progress.phase('syncing to disk');
    if (fileSystems !== undefined) fileSystems.sync();
    else for (const { path } of this.#plan.directories) syncNames(path);
  }

  #putLastFilesInPlace(): void {
    this.#plan.files.forEach(({ path }, file) => {
      if (this.#workPaths[file] !== path) rename(this.#workPaths[file]!, path);
    });
    const directories = this.#lastFileDirectories();
    const touched = this.#plan.directories.filter(({ path }) => directories.has(path));
    finishDirectories(touched, { posix: this.#posix, ownerOf: this.#ownerOf }); // the renames changed their times
    if (this.#options.fsync !== false) for (const directory of directories) syncNames(directory);
  }

  #lastFileDirectories(): Set<string> {
    const last = this.#plan.files.filter(({ path }, file) => this.#workPaths[file] !== path);
    return new Set(last.map(({ path }) => dirname(path)));
  }
}

function ownerRule(owner: NonNullable<ApplyRestoreOptions['owner']>): OwnerOf {
  if (owner === 'keep') return () => undefined;
  return owner === 'stored' ? ({ uid, gid }) => ({ uid, gid }) : () => owner;
}

function rename(from: string, to: string): void {
  onDestination('rename', from, () => renameSync(bytesOf(from), bytesOf(to)));
}

function remove(path: string): void {
  onDestination('remove', path, () => rmSync(bytesOf(path), { recursive: true, force: true }));
}

function damaged(problems: readonly BlobProblem[]): OperationError {
  const objects = [...new Set(problems.map(({ object }) => object))];
  const more = objects.length > 1 ? ` and ${objects.length - 1} more` : '';
  const { problem } = problems[0]!;
  return new OperationError('repository-damaged', `the repository is damaged: ${objects[0]}${more}: ${problem}`, {
    hint: `what is good is restored, damaged files end in ${incompleteSuffix}; run \`understudy check --read-data\``,
    detail: { problems },
  });
}
