import { sameIdentity } from '../../archiver/statNode.ts';
import type { Progress } from '../../base/progress.ts';
import { crc32cAppender, crc32cCombine } from '../../postgres/crc32c.ts';
import { idWords, type BlobTable } from '../../repository/blobTable.ts';
import {
  outcomeShrunk,
  outcomeVanished,
  planRanges,
  rangeWords,
  type ChunkSpan,
  type RangePlan,
} from '../../repository/rangePlan.ts';
import type { Upload } from '../../repository/upload.ts';
import { BlobList } from '../../snapshot/blobList.ts';
import type { FileNode } from '../../snapshot/node.ts';
import type { ClusterFile } from './clusterTree.ts';
import { notPages, pageTag, type PageInspectorOptions, type PageReport } from './pageInspector.ts';
import type { ParentCluster } from './parentCluster.ts';
import type { ScannedFile } from './scanCluster.ts';
import { moduleUrl } from '../../base/workerPool.ts';

export interface StoreClusterOptions {
  readonly chunkBytes: number;
  readonly inspector: PageInspectorOptions;
  /** Undefined for the first backup, and when everything is to be read again. */
  readonly parent: ParentCluster | undefined;
  /** True when pages older than the parent are proved unchanged by their LSN. */
  readonly trustLsn: boolean;
  readonly progress: Progress;
}

export interface StoredCluster {
  readonly files: ClusterFile[];
  readonly changed: number;
  readonly vanished: number;
  readonly shrunk: number;
  readonly pages: { verified: number; badCount: number; bad: { path: string; block: number }[] };
}

const progressEveryMs = 100;

/** Files of a scan that are what they were in the parent, by identity, and those that have to be read. */
export interface PartitionedFiles {
  readonly kept: readonly ClusterFile[];
  readonly changed: readonly ScannedFile[];
}

/** Splits a scan. A file whose content the repository has lost since is read again, although it did not change. */
export function partitionFiles(
  files: readonly ScannedFile[],
  parent: ParentCluster | undefined,
  stored: BlobTable,
): PartitionedFiles {
  const kept: ClusterFile[] = [];
  const changed: ScannedFile[] = [];
  for (const file of files) {
    const same = unchangedFile(file, parent);
    if (same !== undefined && isStored(same.content, stored)) kept.push(same);
    else changed.push(file);
  }
  return { kept, changed };
}

function isStored(content: BlobList, table: BlobTable): boolean {
  const ids = content.packed();
  for (let at = 0; at < ids.length; at += 32) {
    if (table.find(idWords(ids.subarray(at, at + 32), words)) < 0) return false;
  }
  return true;
}

const words = new Uint32Array(8);

/** Stores the changed files: worker threads read them in chunks of one fixed size. */
export async function storeCluster(
  upload: Upload,
  { kept, changed }: PartitionedFiles,
  options: StoreClusterOptions,
): Promise<StoredCluster> {
  const { plan, spans } = planRanges(
    changed.map((file) => plannedFile(file, options)),
    options.chunkBytes,
    { module: moduleUrl('./pageInspector', import.meta).href, options: options.inspector },
  );
  const reports = (await withProgress(upload, plan, options.progress)) as PageReport[];
  const outcomes = fileOutcomes(plan, changed.length);
  const isThere = (_: unknown, index: number): boolean => (outcomes[index]! & outcomeVanished) === 0;
  const read = changed.map((file, index) => storedFile(file, plan, spans[index]!)).filter(isThere);
  return {
    files: [...kept, ...read],
    changed: read.length,
    vanished: changed.length - read.length,
    shrunk: outcomes.filter((outcome) => (outcome & outcomeShrunk) !== 0).length,
    pages: mergeReports(reports, changed),
  };
}

/**
 * The parent's content for a file that nobody wrote to since: same size, times and inode, and modified well before the
 * parent began, since file times are too coarse to tell two writes within the same second.
 */
function unchangedFile(file: ScannedFile, parent: ParentCluster | undefined): ClusterFile | undefined {
  const node = parent?.files.get(file.path);
  const chunkCrcs = parent?.checksums.get(file.path);
  if (parent === undefined || node === undefined || chunkCrcs === undefined || !sameIdentity(node, file.stat))
    return undefined;
  const parentBegan = BigInt(Date.parse(parent.record.startTime)) * 1_000_000n;
  if (latest(file.stat.mtimeNs, file.stat.ctimeNs) >= parentBegan - 2_000_000_000n) return undefined;
  const { path, attributes } = file;
  const size = { sizeBytes: Number(node.size), chunkBytes: parent.record.chunkBytes };
  return {
    path,
    attributes,
    sizeBytes: size.sizeBytes,
    content: node.content,
    crc: fileCrc(chunkCrcs, size),
    chunkCrcs,
  };
}

function plannedFile(file: ScannedFile, options: StoreClusterOptions): Parameters<typeof planRanges>[0][number] {
  const { relation } = file;
  const node = options.parent?.files.get(file.path);
  const trusted = options.trustLsn && relation?.fork === 'main' && node !== undefined && comparable(node, file);
  return {
    path: file.absolutePath,
    sizeBytes: Number(file.stat.size),
    tag: relation === undefined ? notPages : pageTag(relation.segment, trusted),
    ...(trusted ? { parentIds: wholeChunks(node, options.chunkBytes) } : {}),
  };
}

/** The same file, written to in place, and not put back to an older state behind our back. */
function comparable(node: FileNode, file: ScannedFile): boolean {
  return node.inode === file.stat.ino && file.stat.mtimeNs >= node.mtimeNs;
}

/** Ids of the chunks that were full in the parent: the last one may have been shorter than it is now. */
function wholeChunks(node: FileNode, chunkBytes: number): Uint8Array {
  return node.content.packed().subarray(0, Math.floor(Number(node.size) / chunkBytes) * 32);
}

function storedFile(file: ScannedFile, plan: RangePlan, span: ChunkSpan): ClusterFile {
  const sizeBytes = Number(file.stat.size);
  const end = span.firstChunk + span.chunkCount;
  const chunkCrcs = plan.crcs.subarray(span.firstChunk, end);
  return {
    path: file.path,
    attributes: file.attributes,
    sizeBytes,
    content: BlobList.fromPacked(plan.ids.subarray(span.firstChunk * 32, end * 32)),
    crc: fileCrc(chunkCrcs, { sizeBytes, chunkBytes: plan.chunkBytes }),
    chunkCrcs,
  };
}

const appenders = new Map<number, (crc: number, next: number) => number>();

/** CRC-32C of a file from those of its chunks, all of one size but the last. */
export function fileCrc(chunks: Uint32Array, size: { sizeBytes: number; chunkBytes: number }): number {
  if (chunks.length === 0) return 0;
  let append = appenders.get(size.chunkBytes);
  if (append === undefined) appenders.set(size.chunkBytes, (append = crc32cAppender(size.chunkBytes)));
  let crc = chunks[0]!;
  for (let index = 1; index < chunks.length - 1; index++) crc = append(crc, chunks[index]!);
  if (chunks.length === 1) return crc;
  return crc32cCombine(
    crc,
    chunks[chunks.length - 1] as number,
    size.sizeBytes - (chunks.length - 1) * size.chunkBytes,
  );
}

function fileOutcomes(plan: RangePlan, fileCount: number): Uint8Array {
  const outcomes = new Uint8Array(fileCount);
  plan.outcomes.forEach((outcome, range) => (outcomes[plan.ranges[range * rangeWords]!]! |= outcome));
  return outcomes;
}

async function withProgress(upload: Upload, plan: RangePlan, progress: Progress): Promise<unknown[]> {
  let bytes = 0;
  for (let at = 2; at < plan.ranges.length; at += rangeWords) bytes += plan.ranges[at]!;
  progress.phase('copying files', { bytes });
  const before = (await upload.progress()).rawBytes;
  let shown = 0;
  const show = (): void => {
    void upload.progress().then(({ rawBytes }) => {
      progress.advance({ bytes: rawBytes - before - shown });
      shown = rawBytes - before;
    });
  };
  const timer = setInterval(show, progressEveryMs);
  try {
    return await upload.storeRanges(plan);
  } finally {
    clearInterval(timer);
    show();
  }
}

function mergeReports(
  reports: readonly (PageReport | undefined)[],
  files: readonly ScannedFile[],
): StoredCluster['pages'] {
  const pages: StoredCluster['pages'] = { verified: 0, badCount: 0, bad: [] };
  for (const report of reports) {
    pages.verified += report?.pages ?? 0;
    pages.badCount += report?.badCount ?? 0;
    for (const { file, block } of report?.bad ?? []) pages.bad.push({ path: files[file]!.path, block });
  }
  return pages;
}

function latest(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}
