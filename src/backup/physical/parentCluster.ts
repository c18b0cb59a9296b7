import { hostname as ownHostname } from 'node:os';
import type { Context } from '../../base/context.ts';
import { OperationError, isOperationError } from '../../base/errors.ts';
import { chunkChecksumsName, parseChunkChecksums, type ChunkChecksums } from '../chunkChecksums.ts';
import type { Repository } from '../../repository/repository.ts';
import { loadFileNode } from '../../snapshot/fileContent.ts';
import type { FileNode, TreeNode } from '../../snapshot/node.ts';
import { snapshotSource } from '../../snapshot/repositorySource.ts';
import { loadSnapshots, type Snapshot } from '../../snapshot/snapshots.ts';
import { parseTree } from '../../snapshot/tree.ts';
import { dataDirectoryName, parsePhysicalRecord, type PhysicalRecord } from '../physicalRecord.ts';
import { recordFileName, sourceOf, sourceTags } from '../sourceSnapshot.ts';

/** An earlier backup of the same cluster, whose unchanged files a new one takes over. */
export interface ParentCluster {
  readonly snapshot: Snapshot;
  readonly record: PhysicalRecord;
  /** By path relative to the data directory, raw bytes as latin1 text. */
  readonly files: ReadonlyMap<string, FileNode>;
  readonly checksums: ChunkChecksums;
}

/** The newest backup of a source from one host: file identities mean nothing elsewhere. */
export async function findParentCluster(
  ctx: Context,
  repository: Repository,
  of: { readonly source: string; readonly hostname: string | undefined },
): Promise<ParentCluster | undefined> {
  const snapshots = await loadSnapshots(ctx, snapshotSource(repository));
  const hostname = of.hostname ?? ownHostname();
  const tags = sourceTags('postgres', of.source);
  const newest = snapshots.find(
    (snapshot) => snapshot.hostname === hostname && tags.every((tag) => snapshot.tags.includes(tag)),
  );
  if (newest === undefined) return undefined;
  try {
    return await loadParentCluster(ctx, repository, newest);
  } catch (error) {
    // a damaged backup must not stand in the way of a good one: everything is read again
    if (!isOperationError(error, 'repository-damaged', 'repository-unsupported', 'object-missing')) throw error;
    ctx.log.warn({ snapshot: newest.id, reason: error.message }, 'the last backup cannot be built upon');
    return undefined;
  }
}

/** Loads the record and the file list of a physical snapshot. Throws `repository-damaged` when it is not one. */
export async function loadParentCluster(
  ctx: Context,
  repository: Repository,
  snapshot: Snapshot,
): Promise<ParentCluster> {
  const source = sourceOf(snapshot);
  const root = await loadTree(ctx, repository, snapshot.tree);
  const top = await loadTree(ctx, repository, directory(root, source));
  const record = parsePhysicalRecord(await loadFileNode(ctx, repository, file(top, recordFileName)));
  const files = new Map<string, FileNode>();
  await collectFiles(ctx, repository, { tree: directory(top, dataDirectoryName), prefix: '', files });
  const checksums = parseChunkChecksums(await loadFileNode(ctx, repository, file(top, chunkChecksumsName)));
  return { snapshot, record, files, checksums };
}

async function collectFiles(
  ctx: Context,
  repository: Repository,
  at: { tree: string; prefix: string; files: Map<string, FileNode> },
): Promise<void> {
  for (const node of await loadTree(ctx, repository, at.tree)) {
    const path = at.prefix + node.name.toString('latin1');
    if (node.type === 'file') at.files.set(path, node);
    else if (node.type === 'dir')
      await collectFiles(ctx, repository, { tree: node.subtree, prefix: `${path}/`, files: at.files });
  }
}

async function loadTree(ctx: Context, repository: Repository, id: string): Promise<TreeNode[]> {
  return parseTree(await repository.loadBlob(ctx, 'tree', id), id);
}

function directory(nodes: readonly TreeNode[], name: string): string {
  const node = nodes.find((candidate) => candidate.name.toString() === name);
  if (node?.type !== 'dir') throw lacking(name);
  return node.subtree;
}

function file(nodes: readonly TreeNode[], name: string): FileNode {
  const node = nodes.find((candidate) => candidate.name.toString() === name);
  if (node?.type !== 'file') throw lacking(name);
  return node;
}

function lacking(name: string): OperationError {
  return new OperationError('repository-damaged', `the snapshot is no complete physical backup: it lacks ${name}`);
}
