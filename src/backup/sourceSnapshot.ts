import { hostname as ownHostname, userInfo } from 'node:os';
import type { Context } from '../base/context.ts';
import { programVersion } from '../base/version.ts';
import type { Repository } from '../repository/repository.ts';
import type { Upload, UploadTotals } from '../repository/upload.ts';
import { BlobList } from '../snapshot/blobList.ts';
import { goModeFromUnix } from '../snapshot/fileMode.ts';
import { loadSnapshotFile } from '../snapshot/fileContent.ts';
import { compareNodes, type DirectoryNode, type FileNode, type TreeNode } from '../snapshot/node.ts';
import { saveSnapshot, type Snapshot } from '../snapshot/snapshots.ts';
import { timestampFromDate } from '../snapshot/time.ts';
import { serializeTree } from '../snapshot/tree.ts';

/** What a source can be. */
export const sourceKinds = ['postgres', 'dump', 'files', 'logs', 'git'] as const;
export type SourceKind = (typeof sourceKinds)[number];

/** Where a snapshot keeps what restic's snapshot document cannot hold: a file in the directory of its source. */
export const recordFileName = 'understudy.json';

/** Small, so that of a list in which little changed little is stored again. */
const smallFileChunk = 64 * 1024;

/** Name, owner, mode and times of a file or directory, as a node holds them. */
export type NodeAttributes = Omit<DirectoryNode, 'type' | 'subtree'>;

/** What every snapshot of ours says, whatever its source is. */
export interface SourceSnapshotOptions {
  readonly tags?: readonly string[];
  readonly hostname?: string;
  readonly parent: Snapshot | undefined;
}

export interface SourceSnapshot {
  readonly kind: SourceKind;
  readonly source: string;
  /** The moment that the backup stands for. */
  readonly time: Date;
  /** Of the directory of the source. */
  readonly attributes: NodeAttributes;
  /** What lies in the directory of the source, the record included. In any order. */
  readonly entries: readonly TreeNode[];
  readonly excludes?: readonly string[];
  readonly options: SourceSnapshotOptions;
}

/** Tags by which a snapshot of a source is found again. */
export function sourceTags(kind: SourceKind, source: string): string[] {
  return ['understudy', `kind:${kind}`, `source:${source}`];
}

/** What a snapshot is of; undefined when it is not ours, or a stock client took its tags away. */
export function kindOf({ tags }: Pick<Snapshot, 'tags'>): SourceKind | undefined {
  if (!tags.includes('understudy')) return undefined;
  return sourceKinds.find((kind) => tags.includes(`kind:${kind}`));
}

/** Name of the source in a snapshot of ours: the one directory at its root. */
export function sourceOf(snapshot: Pick<Snapshot, 'paths'>): string {
  return (snapshot.paths[0] ?? '/').slice(1);
}

/**
 * Saves the trees above the entries, makes everything durable, and then, last, the snapshot: it appears only when all
 * that it needs is there.
 */
export async function saveSourceSnapshot(
  ctx: Context,
  { repository, upload }: { readonly repository: Repository; readonly upload: Upload },
  { kind, source, time, attributes, entries, excludes = [], options }: SourceSnapshot,
): Promise<{ snapshot: Snapshot; totals: UploadTotals }> {
  const saveTree = (nodes: readonly TreeNode[]): Promise<string> =>
    upload.saveBlob('tree', serializeTree(nodes.toSorted(compareNodes)));
  const subtree = await saveTree(entries);
  const tree = await saveTree([{ ...attributes, type: 'dir', name: Buffer.from(source), subtree }]);
  const totals = await upload.commit();
  ctx.signal.throwIfAborted();
  const snapshot = await saveSnapshot(ctx, (_, json) => repository.saveDocument(ctx, 'snapshots', json), {
    time: timestampFromDate(time),
    ...(options.parent === undefined ? {} : { parent: options.parent.id }),
    tree,
    paths: [`/${source}`],
    hostname: options.hostname ?? ownHostname(),
    username: userInfo().username,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    excludes,
    tags: [...sourceTags(kind, source), ...(options.tags ?? [])],
    programVersion: `understudy ${programVersion()}`,
  });
  return { snapshot, totals };
}

/** Stores a small file that is made for the backup (label, manifest, record), owned like its directory. */
export async function saveSmallFile(
  upload: Upload,
  like: NodeAttributes,
  { name, bytes }: { readonly name: string; readonly bytes: Buffer },
): Promise<FileNode> {
  const ids: string[] = [];
  for (let at = 0; at < bytes.length; at += smallFileChunk) {
    ids.push(await upload.saveBlob('data', bytes.subarray(at, at + smallFileChunk)));
  }
  const { inode: _inode, deviceId: _deviceId, links: _links, ...attributes } = like;
  return {
    ...attributes,
    type: 'file',
    name: Buffer.from(name),
    mode: 0o600,
    size: BigInt(bytes.length),
    content: BlobList.fromHex(ids),
  };
}

/** Attributes of a directory that exists in the snapshot only: ours, private. */
export function madeDirectory(name: string, time: Date): NodeAttributes {
  const ns = BigInt(time.getTime()) * 1_000_000n;
  return {
    name: Buffer.from(name),
    mode: goModeFromUnix(0o040700),
    mtimeNs: ns,
    atimeNs: ns,
    ctimeNs: ns,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
  };
}

/** The record of a snapshot, unread. Throws `not-found` when it has none, `repository-damaged`. */
export async function loadRecordFile(
  ctx: Context,
  repository: Repository,
  snapshot: Pick<Snapshot, 'tree' | 'paths'>,
): Promise<Buffer> {
  const path = `${snapshot.paths[0] ?? ''}/${recordFileName}`;
  return loadSnapshotFile(ctx, repository, { treeId: snapshot.tree, path });
}
