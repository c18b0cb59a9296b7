import { assert } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';
import type { Upload } from '../../repository/upload.ts';

/** What a file that came through the stream was stored as. */
export interface StoredStreamFile {
  readonly ids: Uint8Array;
  readonly crcs: Uint32Array;
}

interface Slab {
  readonly shared: SharedArrayBuffer;
  readonly bytes: Buffer;
}

/** One chunk in the slab being filled, and whose it is. */
interface Piece {
  readonly file: OpenFile;
  readonly chunk: number;
  readonly at: number;
  length: number;
}

interface OpenFile {
  readonly ids: Uint8Array;
  readonly crcs: Uint32Array;
  readonly sizeBytes: number;
  received: number;
}

const slabBytes = 1024 * 1024;
const maxPieces = 512;
/** Slabs in use at once: enough to keep the threads busy while the next ones fill. */
const slabCount = 8;

/**
 * Cuts files that arrive one after the other into chunks, collects them in shared slabs of memory and has worker
 * threads store them. Bytes are copied once, from the socket's buffer into a slab; the memory is bounded by the slabs.
 */
export class StreamStore {
  readonly #upload: Upload;
  readonly #chunkBytes: number;
  readonly #progress: Progress;
  readonly #free: Slab[] = [];
  readonly #waiting: ((slab: Slab) => void)[] = [];
  readonly #running = new Set<Promise<void>>();
  #slab: Slab | undefined;
  #used = 0;
  #pieces: Piece[] = [];
  #file: OpenFile | undefined;
  #failed: unknown;

  constructor(upload: Upload, options: { readonly chunkBytes: number; readonly progress: Progress }) {
    this.#upload = upload;
    this.#chunkBytes = options.chunkBytes;
    this.#progress = options.progress;
    const size = Math.max(slabBytes, options.chunkBytes);
    for (let count = 0; count < slabCount; count++) {
      const shared = new SharedArrayBuffer(size);
      this.#free.push({ shared, bytes: Buffer.from(shared) });
    }
  }

  /** Begins a file of known size; its ids are complete once `flush` has resolved. */
  beginFile(sizeBytes: number): StoredStreamFile {
    assert(this.#file === undefined, 'files arrive one after the other');
    const chunks = Math.ceil(sizeBytes / this.#chunkBytes);
    this.#file = { ids: new Uint8Array(chunks * 32), crcs: new Uint32Array(chunks), sizeBytes, received: 0 };
    return this.#file;
  }

  /** Takes the next bytes of the file; they are copied before it returns or waits. */
  async write(bytes: Buffer): Promise<void> {
    const file = this.#file;
    assert(file !== undefined, 'bytes belong to a file');
    for (let done = 0; done < bytes.length;) {
      const piece = this.#pieceFor(file) ?? (await this.#beginPiece(file));
      const room = Math.min(this.#chunkBytes, file.sizeBytes - piece.chunk * this.#chunkBytes) - piece.length;
      const count = Math.min(room, bytes.length - done);
      bytes.copy(this.#slab!.bytes, piece.at + piece.length, done, done + count);
      piece.length += count;
      this.#used += count;
      file.received += count;
      done += count;
    }
    this.#progress.advance({ bytes: bytes.length });
  }

  endFile(): void {
    assert(this.#file?.received === this.#file?.sizeBytes, 'a file has the size that its header said');
    this.#file = undefined;
  }

  /** Waits until everything written is stored. */
  async flush(): Promise<void> {
    this.#dispatch();
    await Promise.all(this.#running);
    if (this.#failed !== undefined) throw this.#failed;
  }

  /** The piece that the next bytes of the file continue, if it is not full. */
  #pieceFor(file: OpenFile): Piece | undefined {
    const piece = this.#pieces.at(-1);
    const continues = piece?.file === file && file.received % this.#chunkBytes !== 0;
    return continues ? piece : undefined;
  }

  async #beginPiece(file: OpenFile): Promise<Piece> {
    const chunk = Math.floor(file.received / this.#chunkBytes);
    const need = Math.min(this.#chunkBytes, file.sizeBytes - chunk * this.#chunkBytes);
    if (this.#slab !== undefined && (this.#used + need > this.#slab.bytes.length || this.#pieces.length >= maxPieces))
      this.#dispatch();
    this.#slab ??= this.#free.pop() ?? (await new Promise<Slab>((resolve) => this.#waiting.push(resolve)));
    if (this.#failed !== undefined) throw this.#failed;
    const piece = { file, chunk, at: this.#used, length: 0 };
    this.#pieces.push(piece);
    return piece;
  }

  #dispatch(): void {
    const [slab, pieces] = [this.#slab, this.#pieces];
    if (slab === undefined) return;
    this.#slab = undefined;
    this.#pieces = [];
    this.#used = 0;
    const running = this.#storeAndFree(slab, pieces);
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
  }

  /** Never rejects: the failure is thrown to the writer. */
  async #storeAndFree(slab: Slab, pieces: readonly Piece[]): Promise<void> {
    try {
      await this.#store(slab, pieces);
    } catch (error) {
      this.#failed ??= error;
    }
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(slab);
    else next(slab);
  }

  async #store(slab: Slab, pieces: readonly Piece[]): Promise<void> {
    const spans = new Uint32Array(pieces.flatMap((piece) => [piece.at, piece.length]));
    const { ids, crcs } = await this.#upload.storeBuffer(slab.shared, spans);
    pieces.forEach((piece, index) => {
      piece.file.ids.set(ids.subarray(index * 32, index * 32 + 32), piece.chunk * 32);
      piece.file.crcs[piece.chunk] = crcs[index]!;
    });
  }
}
