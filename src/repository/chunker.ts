/**
 * restic's content-defined chunker, bit for bit: Rabin fingerprints over a window of 64 bytes.
 *
 * The work is done by a WebAssembly kernel (wasm/rabin.ts) on memory into which callers read files directly:
 *
 *     let from = end;
 *     end += readSync(file, chunker.buffer, end, 262_144, null);
 *     for (let cut = chunker.nextCut(from, end); cut !== -1; cut = chunker.nextCut(from, end)) {
 *       store(chunker.buffer.subarray(chunkStart, cut));
 *       from = chunkStart = cut;
 *     }
 *     // at the end of the file: store(chunkStart..end) unless empty, chunker.reset()
 *
 * A caller that runs out of room moves the unfinished chunk to the front of the buffer and goes on reading behind
 * it; bytes that were fed are not looked at again, so they may also be overwritten.
 */
import { assert } from '../base/errors.ts';
import { instantiateWasm, wasmPageBytes } from '../base/wasm.ts';
import { rabinWasm } from './generated/rabinWasm.ts';
import { chunkerDegree, polynomialDegree, polynomialRemainder } from './polynomial.ts';

export interface RabinChunkerOptions {
  /** No chunk but the last of a file is smaller; at least 64. Default: 512 KiB, as restic. */
  readonly minSize?: number;
  /** No chunk is larger. Default: 8 MiB, as restic. */
  readonly maxSize?: number;
  /** A byte ends a chunk with a chance of 1 in 2^averageBits. Default: 20, as restic. */
  readonly averageBits?: number;
  /** Size of `buffer`. Default: twice the largest chunk, so that at most half of the bytes are ever moved. */
  readonly arenaBytes?: number;
}

export interface RabinChunker {
  /** The arena: read file bytes into it, then feed them to `nextCut`. Its start is aligned to 64 KiB. */
  readonly buffer: Buffer;
  /** Bytes fed since the last cut: the length of the unfinished chunk. */
  readonly pendingBytes: number;
  /**
   * Feeds the bytes of `buffer` from `start` to `end`, the next ones of the file, and returns the offset just after
   * the byte that ends the chunk; what follows it was not fed and is where the next call starts. -1 when the chunk
   * goes on: everything was fed.
   */
  nextCut(start: number, end: number): number;
  /** Forgets the unfinished chunk: the next byte fed is the first of a file. */
  reset(): void;
}

interface KernelExports {
  configure(minSize: number, maxSize: number, averageBits: number): void;
  nextCut(start: number, end: number): number;
  reset(): void;
  readonly pendingBytes: { readonly value: number };
}

// The kernel's memory map.
const outTableAddress = 1024;
const modTableAddress = 3072;
const arenaAddress = wasmPageBytes;

const windowBits = 512;

/**
 * A chunker for one repository, whose configuration holds the irreducible `polynomial` of degree 53.
 * Make one per worker thread and keep it.
 */
export function createRabinChunker(polynomial: bigint, options: RabinChunkerOptions = {}): RabinChunker {
  const { minSize = 524_288, maxSize = 8_388_608, averageBits = 20, arenaBytes = 2 * maxSize } = options;
  assert(polynomialDegree(polynomial) === chunkerDegree, 'a chunker polynomial has degree 53');
  assert(minSize >= 64 && maxSize >= minSize, 'chunk sizes are in order and a chunk holds a window');
  assert(averageBits > 0 && averageBits < chunkerDegree, 'the split mask fits the digest');
  const { exports: kernel, memory } = instantiateWasm<KernelExports>(rabinWasm, arenaAddress + arenaBytes);
  const remainderOf = (power: number) => polynomialRemainder(1n << BigInt(power), polynomial);
  const overflow = (power: number) => remainderOf(power) | (1n << BigInt(power));
  fillTable(new BigUint64Array(memory, outTableAddress, 256), (bit) => remainderOf(windowBits + bit));
  fillTable(new BigUint64Array(memory, modTableAddress, 256), (bit) => overflow(chunkerDegree + bit));
  kernel.configure(minSize, maxSize, averageBits);

  return {
    buffer: Buffer.from(memory, arenaAddress, arenaBytes),
    get pendingBytes() {
      return kernel.pendingBytes.value;
    },
    nextCut(start, end) {
      assert(start >= 0 && start <= end && end <= arenaBytes, 'fed bytes lie in the arena');
      const cut = kernel.nextCut(arenaAddress + start, arenaAddress + end);
      return cut === 0 ? -1 : cut - arenaAddress;
    },
    reset: () => kernel.reset(),
  };
}

/** Fills `table[byte]` with the sum over GF(2) of `term(bit)` for the bits that are set in `byte`. */
function fillTable(table: BigUint64Array, term: (bit: number) => bigint): void {
  for (let bit = 0; bit < 8; bit++) {
    const value = term(bit);
    for (let byte = 0; byte < 256; byte++) {
      if (byte & (1 << bit)) table[byte] = (table[byte] ?? 0n) ^ value;
    }
  }
}
