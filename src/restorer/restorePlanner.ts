import type { Stats } from 'node:fs';
import { resolve } from 'node:path';
import { OperationError, assert, isOperationError } from '../base/errors.ts';
import type { BlobProblem } from '../repository/blobConsumer.ts';
import type { RepositoryIndex } from '../repository/download.ts';
import { unixModeFromGo } from '../snapshot/fileMode.ts';
import type { FileNode, SpecialNode, SymlinkNode, TreeNode } from '../snapshot/node.ts';
import type { TreeEntry } from '../snapshot/walkTree.ts';
import { listNames, readTarget, requireEmpty, resolveDestination, statExisting } from './existingEntries.ts';
import { locateContent } from './locateContent.ts';
import type { PlanRestoreOptions } from './planRestore.ts';
import type {
  Attributes,
  PlannedDirectory,
  PlannedFile,
  PlannedHardLink,
  PlannedSpecial,
  RestorePlan,
} from './restorePlan.ts';

/** A directory on the way to the current node. */
interface OpenDirectory {
  readonly path: string;
  /** Names joined from the destination down, also below a redirection. */
  readonly relative: string;
  readonly node: TreeNode | undefined;
  readonly exists: boolean;
  /** Something else that is in its place. It goes once the directory is planned, and not before. */
  readonly inTheWay?: Stats;
  /** It is not restored itself, only something in it: one that exists stays as it is. */
  readonly onTheWay: boolean;
  /** Existing names that the snapshot has not mentioned. */
  readonly unmentioned: Set<string>;
  /** It is among the planned directories. Its parents are, then. */
  planned: boolean;
}

/** Turns the nodes of a walk into a plan, looking at what exists at their places. */
export class RestorePlanner {
  readonly #index: RepositoryIndex;
  readonly #options: PlanRestoreOptions;
  readonly #root: { readonly path: string; readonly exists: boolean };
  readonly #directories: PlannedDirectory[] = [];
  readonly #files: PlannedFile[] = [];
  readonly #hardLinks: PlannedHardLink[] = [];
  readonly #specials: PlannedSpecial[] = [];
  readonly #obstacles: string[] = [];
  readonly #surplus: string[] = [];
  readonly #lost: string[] = [];
  readonly #problems: BlobProblem[] = [];
  /** First path of each file that has several names, by device and inode. */
  readonly #firstNames = new Map<string, string>();
  readonly #open: OpenDirectory[] = [];
  #totalBytes = 0;

  constructor(index: RepositoryIndex, options: PlanRestoreOptions) {
    this.#index = index;
    this.#options = options;
    this.#root = resolveDestination(absolute(options.destination));
    if (this.#root.exists && options.existing === 'refuse') requireEmpty(this.#root.path);
  }

  /** `node`: what the snapshot says about the destination itself. */
  begin(node: TreeNode | undefined): void {
    const onTheWay = this.#options.destinationAttributes === 'keep';
    this.#enter({ ...this.#root, relative: '', node, onTheWay });
    this.#planOpenDirectories();
  }

  visit(entry: TreeEntry): 'skip' | void {
    const { node } = entry;
    const parent = this.#open.at(-1);
    assert(parent !== undefined, 'a walk is within the destination');
    const name = node.name.toString('latin1');
    const exists = parent.unmentioned.delete(name);
    const decision = this.#options.filter?.(entry) ?? 'restore';
    if (decision === 'skip' || node.type === 'socket') return 'skip';
    const path = below(parent.path, name);
    if (node.type === 'dir') {
      this.#enterChild(entry, path, { exists, onTheWay: decision === 'descend' });
      if (decision === 'restore') this.#planOpenDirectories();
      return;
    }
    if (decision === 'descend') return;
    this.#planOpenDirectories();
    if (node.type === 'file') this.#planFile({ ...entry, node }, path, exists);
    else this.#planSpecial(node, path, exists);
  }

  leave(): void {
    const directory = this.#open.pop()!;
    if (this.#options.removeSurplus === undefined || !directory.planned) return;
    for (const name of directory.unmentioned) {
      const relative = directory.relative === '' ? name : `${directory.relative}/${name}`;
      if (this.#options.removeSurplus(relative)) this.#surplus.push(below(directory.path, name));
    }
  }

  /** The entries of a directory cannot be had: nothing in it may be taken for surplus. */
  unreadable(entry: TreeEntry | undefined, error: unknown): void {
    if (!isOperationError(error, 'repository-damaged', 'object-missing')) throw error;
    const { object } = error.detail;
    const where = entry === undefined ? 'the root directory' : entry.path.toString();
    this.#problems.push({
      object: typeof object === 'string' ? object : 'index',
      problem: `the list of files in ${where} cannot be had: ${error.message}`,
    });
    this.#open.at(-1)?.unmentioned.clear();
    if (entry !== undefined) this.leave();
  }

  finish(): RestorePlan {
    this.leave();
    return {
      destination: this.#root.path,
      index: this.#index,
      directories: this.#directories,
      files: this.#files,
      hardLinks: this.#hardLinks,
      specials: this.#specials,
      obstacles: this.#obstacles,
      surplus: this.#surplus,
      lost: this.#lost,
      problems: this.#problems,
      totalBytes: this.#totalBytes,
    };
  }

  #enterChild(
    { node, path: relativePath }: TreeEntry,
    path: string,
    { exists, onTheWay }: { readonly exists: boolean; readonly onTheWay: boolean },
  ): void {
    const relative = relativePath.toString('latin1');
    const elsewhere = this.#options.redirect?.(relative);
    if (elsewhere === undefined) {
      const stat = exists ? statExisting(path) : undefined;
      const isThere = stat?.isDirectory() === true;
      const inTheWay = stat === undefined || isThere ? {} : { inTheWay: stat };
      this.#enter({ path, relative, node, onTheWay, exists: isThere, ...inTheWay });
      return;
    }
    this.#planOpenDirectories();
    const linkTarget = Buffer.from(elsewhere);
    this.#planSpecial({ ...node, type: 'symlink', linkTarget }, path, exists);
    const place = resolveDestination(linkTarget.toString('latin1'));
    if (place.exists && this.#options.existing === 'refuse') requireEmpty(place.path);
    this.#enter({ ...place, relative, node, onTheWay });
  }

  #enter(directory: Omit<OpenDirectory, 'unmentioned' | 'planned'>): void {
    const unmentioned = directory.exists ? listNames(directory.path) : new Set<string>();
    this.#open.push({ ...directory, unmentioned, planned: false });
  }

  #planOpenDirectories(): void {
    for (const directory of this.#open) {
      if (directory.planned) continue;
      directory.planned = true;
      const { path, exists, node, onTheWay, inTheWay } = directory;
      if (onTheWay && inTheWay?.isSymbolicLink() === true) throw linkOnTheWay(path);
      if (inTheWay !== undefined) this.#obstacles.push(path);
      const attributes = node === undefined || (exists && onTheWay) ? {} : { attributes: attributesOf(node) };
      this.#directories.push({ path, exists, ...attributes });
    }
  }

  #planFile({ node, path: relative }: TreeEntry & { readonly node: FileNode }, path: string, exists: boolean): void {
    if (this.#planHardLink(node, path, exists)) return;
    const located = locateContent(this.#index, node.content);
    if ('missing' in located) {
      this.#problems.push({
        object: 'index',
        blob: located.missing,
        problem: `no index lists a blob of ${this.#shown(path)}`,
      });
      this.#firstNames.delete(fileKey(node));
      if (exists) this.#lost.push(path);
      return;
    }
    const delta = this.#options.existing === 'delta';
    // a file with more names is not written to: the other names may have nothing to do with this restore
    const compares = exists && this.#keeps(path, (stat) => delta && stat.isFile() && stat.nlink === 1);
    this.#files.push({
      path,
      relative: relative.toString('latin1'),
      attributes: attributesOf(node),
      exists: compares,
      ...located,
    });
    this.#totalBytes += located.sizeBytes;
  }

  /** True when the file is another name of one that is planned already. */
  #planHardLink(node: FileNode, path: string, exists: boolean): boolean {
    if (node.links === undefined || node.links < 2n || node.inode === undefined) return false;
    const target = this.#firstNames.get(fileKey(node));
    if (target === undefined) {
      this.#firstNames.set(fileKey(node), path);
      return false;
    }
    if (exists) this.#obstacles.push(path);
    this.#hardLinks.push({ path, target });
    return true;
  }

  #planSpecial(node: SymlinkNode | SpecialNode, path: string, exists: boolean): void {
    const right =
      exists &&
      this.#keeps(path, (stat) => {
        return node.type === 'symlink' && stat.isSymbolicLink() && readTarget(path).equals(node.linkTarget);
      });
    this.#specials.push({ path, attributes: attributesOf(node), node, exists: right });
  }

  /** Whether what exists at a path can stay; otherwise it will be removed. */
  #keeps(path: string, isRight: (stat: NonNullable<ReturnType<typeof statExisting>>) => boolean): boolean {
    const stat = statExisting(path);
    if (stat === undefined) return false;
    if (isRight(stat)) return true;
    this.#obstacles.push(path);
    return false;
  }

  #shown(path: string): string {
    return Buffer.from(path, 'latin1').toString();
  }
}

/** Whoever restores a part of what is in a directory wants neither the link gone nor to write to where it leads. */
function linkOnTheWay(path: string): OperationError {
  const shown = Buffer.from(path, 'latin1').toString();
  return new OperationError('destination-io', `cannot restore into ${shown}: it is a symbolic link here`, {
    hint: 'the snapshot has a directory there: remove the link, or restore to another directory',
    detail: { path: shown },
  });
}

/** Equal for all names of one file. */
function fileKey(node: FileNode): string {
  return `${node.deviceId ?? 0n}:${node.inode}`;
}

function absolute(destination: string | Buffer): string {
  const bytes = typeof destination === 'string' ? Buffer.from(destination) : destination;
  return resolve(Buffer.from(process.cwd()).toString('latin1'), bytes.toString('latin1'));
}

function below(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`;
}

function attributesOf(node: TreeNode): Attributes {
  const { uid, gid, mtimeNs, atimeNs, extendedAttributes } = node;
  const mode = unixModeFromGo(node.mode, node.type) % 0o10000;
  const xattrs = extendedAttributes === undefined ? {} : { xattrs: extendedAttributes };
  return { mode, uid, gid, mtimeNs, atimeNs, ...xattrs };
}
