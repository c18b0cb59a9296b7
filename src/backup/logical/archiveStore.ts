import { createRabinChunker, type RabinChunker } from '../../repository/chunker.ts';
import type { Upload } from '../../repository/upload.ts';
import { BlobList } from '../../snapshot/blobList.ts';

/** What a stream was stored as. */
export interface StoredArchive {
  readonly content: BlobList;
  readonly sizeBytes: number;
}

/**
 * The first blob of an archive: it holds the time of the dump and so differs every day, while the rest of an unchanged
 * table does not.
 */
const headBytes = 4096;
/** Smaller than those of ordinary files: changed rows are many and small. */
const chunkSizes = { minSize: 64 * 1024, maxSize: 1024 * 1024, averageBits: 18 };
const slabBytes = 2 * chunkSizes.maxSize;
const arenaBytes = 4 * chunkSizes.maxSize;

/** Memory from which worker threads store chunks while the next slab fills. */
interface Slab {
  readonly shared: SharedArrayBuffer;
  readonly bytes: Buffer;
  stored: Promise<void>;
}

/**
 * Cuts one stream after the other into content-defined chunks and has them stored, in bounded memory. Nothing touches
 * a disk but the packs of the repository.
 */
export class ArchiveStore {
  readonly #upload: Upload;
  readonly #chunker: RabinChunker;
  readonly #slabs: Slab[] = [newSlab(), newSlab()];
  #used = 0;
  #pieces: number[] = [];
  #ids: Uint8Array[] = [];

  constructor(upload: Upload, chunkerPolynomial: bigint) {
    this.#upload = upload;
    this.#chunker = createRabinChunker(chunkerPolynomial, { ...chunkSizes, arenaBytes });
  }

  /** Stores a stream to its end. Its ids mean something only if whoever writes it says that it was complete. */
  async store(stream: AsyncIterable<Buffer>, onBytes: (bytes: number) => void): Promise<StoredArchive> {
    this.#chunker.reset();
    this.#ids = [];
    const { buffer } = this.#chunker;
    let sizeBytes = 0;
    let [start, end] = [0, 0];
    for await (const bytes of stream) {
      for (let done = 0; done < bytes.length;) {
        if (end === buffer.length) {
          buffer.copyWithin(0, start, end);
          [start, end] = [0, end - start];
        }
        const inHead = sizeBytes < headBytes;
        const count = Math.min(bytes.length - done, buffer.length - end, inHead ? headBytes - sizeBytes : Infinity);
        bytes.copy(buffer, end, done, done + count);
        done += count;
        sizeBytes += count;
        if (inHead) {
          end += count;
          if (sizeBytes === headBytes) {
            await this.#add(buffer.subarray(start, end));
            start = end;
          }
          continue;
        }
        let from = end;
        end += count;
        for (let cut = this.#chunker.nextCut(from, end); cut !== -1; cut = this.#chunker.nextCut(from, end)) {
          await this.#add(buffer.subarray(start, cut));
          from = start = cut;
        }
      }
      onBytes(bytes.length);
    }
    if (end > start) await this.#add(buffer.subarray(start, end));
    await this.#flush();
    return { content: BlobList.fromPacked(Buffer.concat(this.#ids)), sizeBytes };
  }

  async #add(chunk: Buffer): Promise<void> {
    if (this.#used + chunk.length > slabBytes) this.#dispatch();
    const slab = this.#slabs[0]!;
    if (this.#used === 0) await slab.stored;
    chunk.copy(slab.bytes, this.#used);
    this.#pieces.push(this.#used, chunk.length);
    this.#used += chunk.length;
  }

  #dispatch(): void {
    const slab = this.#slabs.shift()!;
    this.#slabs.push(slab);
    const place = this.#ids.push(new Uint8Array(0)) - 1;
    const ids = this.#ids;
    slab.stored = this.#upload.storeBuffer(slab.shared, Uint32Array.from(this.#pieces)).then((result) => {
      ids[place] = result.ids;
    });
    slab.stored.catch(() => undefined); // thrown to whoever fills the slab next, or by the last flush
    this.#used = 0;
    this.#pieces = [];
  }

  async #flush(): Promise<void> {
    if (this.#pieces.length > 0) this.#dispatch();
    await Promise.all(this.#slabs.map(({ stored }) => stored));
  }
}

function newSlab(): Slab {
  const shared = new SharedArrayBuffer(slabBytes);
  return { shared, bytes: Buffer.from(shared), stored: Promise.resolve() };
}
