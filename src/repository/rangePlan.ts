/** Bits of `outcomes`. */
export const outcomeDone = 1;
/** The file was shorter than planned; the missing part was taken as zeros. */
export const outcomeShrunk = 2;
/** The file was gone. */
export const outcomeVanished = 4;

/** Where in `ranges` the four numbers of a range are. */
export const rangeWords = 4;

/**
 * Files to be stored in chunks of one fixed size, cut into ranges that threads take one after the other. Every chunk
 * has a number, and results go to shared arrays under that number, so that nothing is sent per chunk.
 */
export interface RangePlan {
  readonly chunkBytes: number;
  /** Absolute path of each file; raw bytes as latin1 text, since names need not be UTF-8. */
  readonly paths: readonly string[];
  /** What the inspector is told about each file. */
  readonly tags: Float64Array;
  /** Per range: file number, offset, length, number of its first chunk. */
  readonly ranges: Float64Array;
  /** Index of the next range to take. */
  readonly next: Int32Array;
  /** 32 bytes a chunk: in = id known from the parent (when `known`), out = id. */
  readonly ids: Uint8Array;
  /** 1 where `ids` holds the parent's id of the chunk on entry. */
  readonly known: Uint8Array;
  /** CRC-32C of each chunk's plaintext. */
  readonly crcs: Uint32Array;
  /** Per range: `outcome...` bits. */
  readonly outcomes: Uint8Array;
  readonly inspector?: { readonly module: string; readonly options: unknown };
}

export interface PlannedFile {
  readonly path: Buffer;
  readonly sizeBytes: number;
  readonly tag?: number;
  /** Ids of the parent's chunks, 32 bytes each, when its chunk size was the same. */
  readonly parentIds?: Uint8Array;
}

/** Aim of one range: large enough to make taking it cheap, small enough to keep all threads busy to the end. */
const rangeBytes = 16 * 1024 * 1024;

/** Chunks of a file: where its ids are in a plan's `ids`. */
export interface ChunkSpan {
  readonly firstChunk: number;
  readonly chunkCount: number;
}

/** Cuts files into ranges, largest file first, and allocates the shared arrays. */
export function planRanges(
  files: readonly PlannedFile[],
  chunkBytes: number,
  inspector?: RangePlan['inspector'],
): { plan: RangePlan; spans: ChunkSpan[] } {
  const spans: ChunkSpan[] = [];
  let chunkTotal = 0;
  for (const file of files) {
    const chunkCount = Math.ceil(file.sizeBytes / chunkBytes);
    spans.push({ firstChunk: chunkTotal, chunkCount });
    chunkTotal += chunkCount;
  }
  const ranges = cutRanges(files, spans, chunkBytes);
  const ids = new Uint8Array(new SharedArrayBuffer(chunkTotal * 32));
  const known = new Uint8Array(new SharedArrayBuffer(chunkTotal));
  files.forEach((file, index) => {
    if (file.parentIds === undefined) return;
    const { firstChunk, chunkCount } = spans[index]!;
    const count = Math.min(chunkCount, file.parentIds.length / 32);
    ids.set(file.parentIds.subarray(0, count * 32), firstChunk * 32);
    known.fill(1, firstChunk, firstChunk + count);
  });
  const plan: RangePlan = {
    chunkBytes,
    paths: files.map((file) => file.path.toString('latin1')),
    tags: shareFloats(files.map((file) => file.tag ?? 0)),
    ranges: shareFloats(ranges),
    next: new Int32Array(new SharedArrayBuffer(4)),
    ids,
    known,
    crcs: new Uint32Array(new SharedArrayBuffer(chunkTotal * 4)),
    outcomes: new Uint8Array(new SharedArrayBuffer(ranges.length / rangeWords)),
    ...(inspector === undefined ? {} : { inspector }),
  };
  return { plan, spans };
}

function cutRanges(files: readonly PlannedFile[], spans: readonly ChunkSpan[], chunkBytes: number): number[] {
  const step = Math.max(chunkBytes, Math.floor(rangeBytes / chunkBytes) * chunkBytes);
  const order = files.map((_, index) => index).sort((a, b) => files[b]!.sizeBytes - files[a]!.sizeBytes);
  const ranges: number[] = [];
  for (const index of order) {
    const { sizeBytes } = files[index]!;
    for (let offset = 0; offset < sizeBytes; offset += step) {
      ranges.push(index, offset, Math.min(step, sizeBytes - offset), spans[index]!.firstChunk + offset / chunkBytes);
    }
  }
  return ranges;
}

function shareFloats(values: readonly number[]): Float64Array {
  const shared = new Float64Array(new SharedArrayBuffer(values.length * 8));
  shared.set(values);
  return shared;
}
