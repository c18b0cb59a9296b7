import { constants, createZstdCompress, createZstdDecompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { OperationError, assert } from '../../base/errors.ts';

/** How hard to compress. `default` is zstd's fast strategy tuned for pages: within 1.3 % of level 3, much faster. */
export type Compression = 'off' | 'fastest' | 'default' | 'better' | 'max' | { readonly level: number };

/** A frame that claims more gets it piece by piece, as far as it really has it. */
const maxOutputChunk = 64 * 1024 * 1024;

/** What `decompressPieces` hands out at once. */
const pieceBytes = 256 * 1024;

type ZstdParameters = Readonly<Record<number, number>>;

/** zstd parameters of a compression choice. Level -1 is unusable: Node takes it for "unset". */
export function zstdParameters(compression: Exclude<Compression, 'off'>): ZstdParameters {
  if (compression === 'default') {
    return {
      [constants.ZSTD_c_strategy]: constants.ZSTD_fast,
      [constants.ZSTD_c_hashLog]: 15,
      [constants.ZSTD_c_minMatch]: 5,
      [constants.ZSTD_c_windowLog]: 19,
    };
  }
  const levels = { fastest: 1, better: 3, max: 11 } as const;
  const level = typeof compression === 'string' ? levels[compression] : compression.level;
  return { [constants.ZSTD_c_compressionLevel]: level };
}

/** Most bytes that zstd can make of `length` bytes (ZSTD_compressBound). */
export function zstdBound(length: number): number {
  return length + (length >>> 8) + (length < 131072 ? (131072 - length) >>> 11 : 0) + 64;
}

/** The part of a zlib stream's binding that compresses synchronously between two given buffers. */
interface ZstdBinding {
  writeSync(
    flush: number,
    source: Uint8Array,
    sourceAt: number,
    sourceLength: number,
    target: Uint8Array,
    targetAt: number,
    targetLength: number,
  ): void;
  close(): void;
  onerror: (message: string, errno: number, code: string) => void;
}

interface ZstdStream {
  readonly _handle?: ZstdBinding;
  readonly _writeState?: Uint32Array;
}

/**
 * Compresses whole frames with one persistent zstd context, straight into the caller's buffer. Node's public call costs
 * a context and an output buffer every time; the stream's binding does not (docs/decisions/0003). When the binding is
 * not as we know it, the public call does the work, slower, with the same result.
 */
export class ZstdCompressor {
  readonly #parameters: ZstdParameters;
  readonly #stream: ZstdStream | undefined;

  /** With `checksum`, each frame carries a hash of its plaintext, which decompression compares (XXH64). */
  constructor(compression: Exclude<Compression, 'off'>, { checksum = false }: { readonly checksum?: boolean } = {}) {
    this.#parameters = { ...zstdParameters(compression), [constants.ZSTD_c_checksumFlag]: Number(checksum) };
    this.#stream = openStream(
      () => createZstdCompress({ params: this.#parameters }),
      (stream) => {
        const probe = Buffer.from('a frame that must come back as it went in, in in in in');
        const target = Buffer.alloc(256);
        for (let round = 0; round < 2; round++) {
          const length = compressWith(stream, probe, target, 0);
          if (!zstdDecompressSync(target.subarray(0, length)).equals(probe)) return false;
        }
        return true;
      },
    );
  }

  /**
   * Compresses `source` to one frame at `target[at]`; returns its length. The caller leaves `zstdBound` bytes of room.
   */
  compressInto(source: Uint8Array, target: Buffer, at: number): number {
    if (this.#stream !== undefined) return compressWith(this.#stream, source, target, at);
    const frame = zstdCompressSync(source, { params: this.#parameters, chunkSize: zstdBound(source.byteLength) });
    frame.copy(target, at);
    return frame.length;
  }
}

/**
 * Decompresses whole frames with one persistent context; replaced after an error, which leaves it in an unknown state.
 */
export class ZstdDecompressor {
  #stream: ZstdStream | undefined;
  #piece: Buffer | undefined;

  constructor() {
    this.#stream = openDecoder();
  }

  /**
   * Decompresses one frame of known plaintext length into `target[at]`.
   * Throws `repository-damaged` when the frame is corrupt or its length is another.
   */
  decompressInto(frame: Uint8Array, target: Buffer, at: number, length: number): void {
    if (this.#stream === undefined) {
      const plain = zstdDecompressSync(frame, { chunkSize: Math.max(64, length), maxOutputLength: length });
      if (plain.length !== length) throw wrongFrame('its length is not the recorded one');
      plain.copy(target, at);
      return;
    }
    try {
      decompressWith(this.#stream, frame, target.subarray(at, at + length));
    } catch (error) {
      this.#stream = openDecoder();
      throw error;
    }
  }

  /**
   * Decompresses one frame, which may come in pieces, of known plaintext length. Each piece of the result is valid
   * until the next one. Throws `repository-damaged` when the frame is corrupt or its length is another.
   */
  *decompressPieces(frame: Iterable<Uint8Array>, length: number): Generator<Buffer> {
    const stream = this.#stream;
    if (stream === undefined) {
      const plain = Buffer.allocUnsafe(length);
      this.decompressInto(Buffer.concat([...frame]), plain, 0, length);
      yield plain;
      return;
    }
    const piece = (this.#piece ??= Buffer.allocUnsafeSlow(pieceBytes));
    let missing = length;
    let done = false;
    try {
      for (const source of frame) {
        for (let sourceLeft = source.byteLength, made = pieceBytes; sourceLeft > 0 || made === pieceBytes;) {
          ({ sourceLeft, made } = decompressSome(stream, source.subarray(source.byteLength - sourceLeft), piece));
          missing -= made;
          if (missing < 0) throw wrongFrame('its length is not the recorded one');
          yield piece.subarray(0, made);
        }
      }
      if (missing !== 0) throw wrongFrame('its length is not the recorded one');
      done = true;
    } finally {
      if (!done) this.#stream = openDecoder();
    }
  }
}

/** Decompresses a frame whose plaintext length is not known (documents: index, snapshot, lock). */
export function decompressFrame(frame: Uint8Array, maxBytes: number): Buffer {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: maxBytes, chunkSize: outputChunk(frame) });
  } catch (error) {
    throw wrongFrame('it does not decompress', error);
  }
}

/** Room for the whole plaintext at once, where the frame tells its length (RFC 8878, 3.1.1.1.1) and that is sane. */
function outputChunk(frame: Uint8Array): number {
  const descriptor = frame[4] ?? 0;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const at = 5 + ((descriptor & 0x20) === 0 ? 1 : 0) + [0, 1, 2, 4][descriptor & 3]!;
  const told = descriptor >>> 6 === 2 && at + 4 <= frame.length ? view.getUint32(at, true) : 0;
  return Math.min(Math.max(told, 64 * 1024), maxOutputChunk);
}

function openDecoder(): ZstdStream | undefined {
  return openStream(
    () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 27 } }),
    (stream) => {
      const probe = Buffer.from('a frame that must come back as it went in, in in in in');
      const target = Buffer.alloc(probe.length);
      for (let round = 0; round < 2; round++) decompressWith(stream, zstdCompressSync(probe), target);
      return target.equals(probe);
    },
  );
}

function openStream(create: () => unknown, selfTest: (stream: ZstdStream) => boolean): ZstdStream | undefined {
  try {
    const stream = create() as ZstdStream;
    if (typeof stream._handle?.writeSync !== 'function' || !(stream._writeState instanceof Uint32Array))
      return undefined;
    stream._handle.onerror = (message) => {
      throw wrongFrame(message);
    };
    return selfTest(stream) ? stream : undefined;
  } catch {
    return undefined;
  }
}

function compressWith(stream: ZstdStream, source: Uint8Array, target: Buffer, at: number): number {
  const room = target.length - at;
  stream._handle!.writeSync(constants.ZSTD_e_end, source, 0, source.byteLength, target, at, room);
  const [roomLeft, sourceLeft] = stream._writeState!;
  assert(sourceLeft === 0 && roomLeft! > 0, 'the target has room for a whole zstd frame');
  return room - roomLeft!;
}

/** The frame must end exactly when the target is full: a spare byte after it would show a longer plaintext. */
function decompressWith(stream: ZstdStream, frame: Uint8Array, target: Buffer): void {
  stream._handle!.writeSync(constants.ZSTD_e_continue, frame, 0, frame.byteLength, target, 0, target.length);
  const [roomLeft, frameLeft] = stream._writeState!;
  if (roomLeft !== 0 || frameLeft !== 0) throw wrongFrame('its length is not the recorded one');
}

/** Decompresses what fits into the target, of a frame that goes on in the next call. */
function decompressSome(
  stream: ZstdStream,
  source: Uint8Array,
  target: Buffer,
): { readonly sourceLeft: number; readonly made: number } {
  stream._handle!.writeSync(constants.ZSTD_e_continue, source, 0, source.byteLength, target, 0, target.length);
  const [roomLeft, sourceLeft] = stream._writeState!;
  return { sourceLeft: sourceLeft!, made: target.length - roomLeft! };
}

function wrongFrame(message: string, cause?: unknown): OperationError {
  return new OperationError('repository-damaged', `compressed data is damaged: ${message}`, { cause });
}
