import { lstatSync, readdirSync, type BigIntStats } from 'node:fs';
import type { Context } from '../base/context.ts';
import { assert, systemErrorCode } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { reportWhile } from '../base/reportWhile.ts';
import type { FileResult, Upload } from '../repository/upload.ts';
import { BlobList } from '../snapshot/blobList.ts';
import { findName } from '../snapshot/findPath.ts';
import type { DirectoryNode, FileNode, TreeNode } from '../snapshot/node.ts';
import type { ArchiveCounts, UnreadablePath } from './archiveFiles.ts';
import { NodeMaker } from './nodeMaker.ts';
import type { ParentTree } from './parentTree.ts';
import { PendingDirectory } from './pendingDirectory.ts';
import { statTarget, type Target } from './targets.ts';

export interface ArchiveScanOptions {
  readonly upload: Upload;
  readonly progress: Progress;
  readonly parent: ParentTree | undefined;
  readonly exclude: (path: Buffer, stat: BigIntStats) => boolean;
  readonly isPrivate: (path: Buffer, stat: BigIntStats) => boolean;
  /** Where to stay; undefined goes everywhere. */
  readonly fileSystems: ReadonlySet<bigint> | undefined;
}

/** Files handed to the worker threads together: enough to keep all of them busy, few enough to hold in memory. */
const batchFiles = 8192;

/** How often a file is read that is written to meanwhile, unless it is larger than that: then once. */
const mostReads = 3;
const mostBytesReadAgain = 256 * 1024 * 1024;

const slash = Buffer.from('/');

/** A file that waits for being stored. */
interface WaitingFile {
  readonly place: Place;
  readonly node: Omit<FileNode, 'content' | 'size'>;
  /** How often it was read already. */
  readonly reads: number;
}

/** Where something was found. */
interface Place {
  readonly path: Buffer;
  readonly name: Buffer;
  readonly stat: BigIntStats;
  readonly directory: PendingDirectory;
  readonly before: TreeNode | undefined;
}

/**
 * Scans directories depth first, stores files in batches, and saves each tree once all below it is stored. Memory: the
 * entries of the directories on the way to the current one, and of those with files in the current batch.
 */
export class ArchiveScan {
  readonly counts: ArchiveCounts = {
    filesNew: 0,
    filesChanged: 0,
    filesUnmodified: 0,
    dirsNew: 0,
    dirsChanged: 0,
    dirsUnmodified: 0,
    totalBytes: 0,
  };
  readonly unreadable: UnreadablePath[] = [];
  readonly changed: Buffer[] = [];
  readonly vanished: Buffer[] = [];
  readonly #ctx: Context;
  readonly #options: ArchiveScanOptions;
  readonly #nodes = new NodeMaker();
  #waiting: WaitingFile[] = [];
  #rootTreeId: string | undefined;

  constructor(ctx: Context, options: ArchiveScanOptions) {
    this.#ctx = ctx;
    this.#options = options;
  }

  /** Archives the targets; resolves with the id of the root tree. */
  async archive(root: Target, parentTreeId: string | undefined): Promise<string> {
    const directory = new PendingDirectory(undefined);
    const before = parentTreeId === undefined ? [] : await this.#loadBefore(parentTreeId);
    if (root.whole) await this.#scan(this.#list(root.path), { ...root, directory, before });
    else await this.#scanTargets(root, directory, before);
    await this.#arrived(directory);
    while (this.#waiting.length > 0) await this.#storeWaiting();
    assert(this.#rootTreeId !== undefined, 'the root is complete when everything is stored');
    return this.#rootTreeId;
  }

  async #scanTargets(parent: Target, directory: PendingDirectory, nodes: readonly TreeNode[]): Promise<void> {
    for (const target of parent.children.values()) {
      const name = Buffer.from(target.name, 'latin1');
      const stat = statTarget(target);
      const before = findName(nodes, name);
      const place: Place = { path: target.path, name, stat, directory, before };
      if (target.whole) {
        await this.#addPlace(place);
        continue;
      }
      const below = new PendingDirectory(directory, this.#nodes.directory(place), before);
      await this.#scanTargets(target, below, await this.#entriesBefore(before));
      await this.#arrived(below);
    }
  }

  /** Archives the entries of a directory. */
  async #scan(
    names: readonly Buffer[] | undefined,
    at: {
      readonly path: Buffer;
      readonly directory: PendingDirectory;
      readonly before: readonly TreeNode[];
    },
  ): Promise<void> {
    this.#ctx.signal.throwIfAborted();
    for (const name of names ?? []) {
      const path = at.path.length === 1 ? Buffer.concat([slash, name]) : Buffer.concat([at.path, slash, name]);
      const stat = this.#stat(path);
      if (stat === undefined || stat.isSocket() || this.#options.exclude(path, stat)) continue;
      await this.#addPlace({ path, name, stat, directory: at.directory, before: findName(at.before, name) });
    }
  }

  async #addPlace(place: Place): Promise<void> {
    const { stat, directory } = place;
    if (stat.isDirectory()) return this.#addDirectory(place);
    if (stat.isFile()) return this.#addFile(place);
    const node = this.#guard(place.path, () => this.#nodes.special(place));
    if (node !== undefined) directory.add(node);
  }

  async #addDirectory(place: Place): Promise<void> {
    const { path, stat, directory, before } = place;
    const attributes = this.#guard(path, () => this.#nodes.directory(place));
    const isOtherFileSystem = this.#options.fileSystems?.has(stat.dev) === false;
    const names = isOtherFileSystem ? [] : this.#list(path);
    if (attributes === undefined || names === undefined) return;
    const below = new PendingDirectory(directory, attributes, before);
    await this.#scan(names, { path, directory: below, before: await this.#entriesBefore(before) });
    await this.#arrived(below);
  }

  async #addFile(place: Place): Promise<void> {
    const { stat, directory, before } = place;
    const node = this.#fileNode(place);
    if (node === undefined) return;
    if (before?.type === 'file' && (await this.#options.parent?.isUnchanged(this.#ctx, before, stat)) === true) {
      directory.add({ ...node, size: stat.size, content: before.content });
      this.counts.filesUnmodified++;
      this.#countBytes(Number(stat.size));
      this.#options.progress.advance({ bytes: Number(stat.size), items: 1 });
      return;
    }
    directory.await();
    this.#waiting.push({ place, node, reads: 0 });
    if (this.#waiting.length >= batchFiles) await this.#storeWaiting();
  }

  #fileNode(place: Place): WaitingFile['node'] | undefined {
    const isPrivate = this.#options.isPrivate(place.path, place.stat);
    return this.#guard(place.path, () => this.#nodes.file(place, isPrivate));
  }

  /** Stores the files that wait, largest first, and completes the directories that waited for them. */
  async #storeWaiting(): Promise<void> {
    const batch = this.#waiting.sort((a, b) => Number(b.place.stat.size - a.place.stat.size));
    this.#waiting = [];
    const { upload, progress } = this.#options;
    const done: FileResult[] = [];
    const before = (await upload.progress()).rawBytes;
    const paths = batch.map((file) => file.place.path);
    await reportWhile(progress, {
      work: upload.storeFiles(paths, (result) => {
        done.push(result);
        if (batch[result.index]!.reads === 0) progress.advance({ items: 1 });
      }),
      done: async () => ({ bytes: (await upload.progress()).rawBytes - before }),
    });
    for (const result of done) await this.#take(batch[result.index]!, result);
  }

  /** Takes what was read, unless the file changed since it was listed, or while it was read: then again. */
  async #take(file: WaitingFile, result: FileResult): Promise<void> {
    if (result.error !== undefined || (!result.changed && isSame(file.place.stat, result))) {
      return this.#finish(file, result);
    }
    const { path } = file.place;
    const stat = this.#guard(path, () => lstatSync(path, { bigint: true, throwIfNoEntry: false }));
    if (stat?.isFile() !== true) return this.#finish(file, result); // it went away after it was read
    const place = { ...file.place, stat };
    const node = this.#fileNode(place);
    const reads = file.reads + 1;
    if (node !== undefined && !result.changed && isSame(stat, result)) {
      return this.#finish({ place, node, reads }, result);
    }
    if (node !== undefined && reads < mostReads && stat.size <= mostBytesReadAgain) {
      this.#waiting.push({ place, node, reads });
      return;
    }
    // with the status from before: by it the next backup sees that the file is not what was read
    return this.#finish(file, { ...result, changed: true });
  }

  async #finish(file: WaitingFile, result: FileResult): Promise<void> {
    this.#addStored(file, result);
    await this.#arrived(file.place.directory);
  }

  #addStored({ place: { path, directory, before }, node }: WaitingFile, result: FileResult): void {
    if (result.error !== undefined) {
      this.#report(path, Object.assign(new Error(result.error), { code: result.error }));
      return;
    }
    if (result.changed) this.changed.push(path);
    if (before?.type === 'file') this.counts.filesChanged++;
    else this.counts.filesNew++;
    this.#countBytes(result.sizeBytes);
    directory.add({ ...node, size: BigInt(result.sizeBytes), content: BlobList.fromPacked(result.ids) });
  }

  /** One of a directory's awaited entries has come; saves every tree that is complete by that. */
  async #arrived(directory: PendingDirectory): Promise<void> {
    for (let at: PendingDirectory | undefined = directory; at?.arrived() === true; at = at.parent) {
      const subtree = await this.#options.upload.saveBlob('tree', at.serialize());
      if (at.attributes === undefined) this.#rootTreeId = subtree;
      else at.parent?.add(this.#countDirectory(at.before, { ...at.attributes, type: 'dir', subtree }));
    }
  }

  #countDirectory(before: TreeNode | undefined, node: DirectoryNode): DirectoryNode {
    if (before?.type !== 'dir') this.counts.dirsNew++;
    else if (before.subtree === node.subtree) this.counts.dirsUnmodified++;
    else this.counts.dirsChanged++;
    return node;
  }

  #countBytes(bytes: number): void {
    this.counts.totalBytes += bytes;
  }

  async #entriesBefore(before: TreeNode | undefined): Promise<readonly TreeNode[]> {
    return before?.type === 'dir' ? this.#loadBefore(before.subtree) : [];
  }

  async #loadBefore(treeId: string): Promise<readonly TreeNode[]> {
    return (await this.#options.parent?.load(this.#ctx, treeId)) ?? [];
  }

  /** Names in a directory, in the order of a tree; undefined when it cannot be read. */
  #list(path: Buffer): Buffer[] | undefined {
    const names = this.#guard(path, () => readdirSync(path, { encoding: 'buffer' }));
    return names?.sort((a, b) => Buffer.compare(a, b));
  }

  #stat(path: Buffer): BigIntStats | undefined {
    return this.#guard(path, () => lstatSync(path, { bigint: true }));
  }

  /** Runs a file call on something to be archived; what cannot be read is reported and left out. */
  #guard<T>(path: Buffer, call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      this.#report(path, error);
      return undefined;
    }
  }

  #report(path: Buffer, error: unknown): void {
    const systemError = systemErrorCode(error) ?? 'EIO';
    if (systemError === 'ENOENT') this.vanished.push(path);
    else this.unreadable.push({ path, systemError });
  }
}

/** Whether the file that was read is the one whose status this is. */
function isSame(stat: BigIntStats, { opened }: FileResult): boolean {
  return opened?.inode === stat.ino && opened.mtimeNs === stat.mtimeNs && opened.ctimeNs === stat.ctimeNs;
}
