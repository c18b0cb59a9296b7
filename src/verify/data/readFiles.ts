import { createHash } from 'node:crypto';
import type { Context } from '../../base/context.ts';
import { toHex } from '../../base/hex.ts';
import type { Progress } from '../../base/progress.ts';
import { reportWhile } from '../../base/reportWhile.ts';
import { moduleUrl } from '../../base/workerPool.ts';
import { crc32cCombine } from '../../postgres/crc32c.ts';
import type { BlobProblem } from '../../repository/blobConsumer.ts';
import { idWords, plainLength } from '../../repository/blobTable.ts';
import { selectPacks, type DataSubset } from '../../repository/dataSubset.ts';
import { Download, type RepositoryIndex } from '../../repository/download.ts';
import { planReads } from '../../repository/readPlan.ts';
import type { Repository } from '../../repository/repository.ts';
import type { FileNode } from '../../snapshot/node.ts';
import type { ChecksumOptions } from './checksumConsumer.ts';

/** Files of a snapshot by path; raw bytes as latin1 text. */
export type SnapshotFiles = ReadonlyMap<string, FileNode>;

export interface FilesRead {
  readonly files: number;
  readonly bytes: number;
  readonly problems: readonly BlobProblem[];
  /** CRC-32C of the content of each file that was read whole, by path. */
  readonly crcs: ReadonlyMap<string, number>;
}

export interface ReadFilesOptions {
  /** Which of the files; default all. Shares are counted in files. */
  readonly subset?: DataSubset | undefined;
  readonly threads?: number | undefined;
  readonly progress: Progress;
}

/** Plaintext bytes of one job of a thread. */
const jobBytes = 32 * 1024 * 1024;

/** Chunks of one file among the wants. */
interface Span {
  readonly path: string;
  readonly first: number;
  readonly lengths: readonly number[];
}

/**
 * Reads every blob of the files once: located, authenticated, decompressed, hashed. Damage is a result, not an error.
 * What was read is summed up to the CRC of each file, which is what a backup manifest knows.
 */
export async function readFiles(
  ctx: Context,
  repository: Repository,
  { files, ...options }: ReadFilesOptions & { readonly files: SnapshotFiles },
): Promise<FilesRead> {
  const index = await repository.index(ctx);
  const { spans, entries, problems } = locate(index, chooseFiles(files, options.subset));
  const shared: ChecksumOptions = {
    crcs: new Uint32Array(new SharedArrayBuffer(entries.length * 4)),
    good: new Uint8Array(new SharedArrayBuffer(entries.length)),
  };
  const module = moduleUrl('./checksumConsumer', import.meta).href;
  const { threads } = options;
  await using download = new Download(ctx, repository, {
    consumer: { module, options: shared },
    ...(threads === undefined ? {} : { threads }),
  });
  const plan = planReads(index.table('data'), { entries, jobBytes, packId: (pack) => index.packId(pack) });
  const bytes = spans.reduce((sum, { lengths }) => sum + lengths.reduce((all, length) => all + length, 0), 0);
  options.progress.phase('reading data', { bytes, items: spans.length });
  const damaged = await reportWhile(options.progress, {
    work: download.readBlobs(plan),
    done: async () => ({ bytes: (await download.progress()).rawBytes }),
  });
  ctx.signal.throwIfAborted();
  return { files: spans.length, bytes, problems: [...problems, ...damaged], crcs: sumUp(spans, shared) };
}

function chooseFiles(files: SnapshotFiles, subset: DataSubset | undefined): SnapshotFiles {
  if (subset === undefined || subset.kind === 'all') return files;
  const byId = new Map([...files].map(([path, node]) => [hashOf(path), { path, node }]));
  const sizes = [...byId].map(([id, { node }]) => ({ id, sizeBytes: Number(node.size) }));
  const chosen = selectPacks(sizes, subset, Math.random).map(({ id }) => byId.get(id)!);
  return new Map(chosen.map(({ path, node }) => [path, node]));
}

function hashOf(path: string): string {
  return createHash('sha256').update(path).digest('hex');
}

function locate(
  index: RepositoryIndex,
  files: SnapshotFiles,
): { spans: Span[]; entries: Uint32Array; problems: BlobProblem[] } {
  const table = index.table('data');
  const wanted: number[] = [];
  const spans: Span[] = [];
  const problems: BlobProblem[] = [];
  for (const [path, { content }] of files) {
    const ids = content.packed();
    const first = wanted.length;
    const lengths: number[] = [];
    for (let at = 0; at < ids.length; at += 32) {
      const entry = table.find(idWords(ids.subarray(at, at + 32)));
      const location = entry < 0 ? undefined : table.location(entry);
      if (location === undefined) {
        const blob = toHex(ids.subarray(at, at + 32));
        problems.push({ object: 'index', blob, problem: `no index lists a blob of ${path}` });
        continue;
      }
      wanted.push(entry);
      lengths.push(plainLength(location));
    }
    if (lengths.length === content.count) spans.push({ path, first, lengths });
  }
  const entries = new Uint32Array(new SharedArrayBuffer(wanted.length * 4));
  entries.set(wanted);
  return { spans, entries, problems };
}

function sumUp(spans: readonly Span[], { crcs, good }: ChecksumOptions): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { path, first, lengths } of spans) {
    if (!lengths.every((_, chunk) => good[first + chunk] === 1)) continue;
    let crc = 0;
    lengths.forEach((length, chunk) => (crc = crc32cCombine(crc, crcs[first + chunk]!, length)));
    sums.set(path, crc);
  }
  return sums;
}
