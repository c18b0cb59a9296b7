import { closeSync, openSync, readSync } from 'node:fs';
import { crc32c } from '@node-rs/crc32';
import { OperationError, assert, systemErrorCode } from '../../base/errors.ts';
import { idWords } from '../blobTable.ts';
import type { InspectorModule, RangeInspector } from '../rangeInspector.ts';
import { outcomeDone, outcomeShrunk, outcomeVanished, rangeWords, type RangePlan } from '../rangePlan.ts';
import { countChunk, storeChunk } from './storeChunk.ts';
import { counterReusedBytes, type StoreState } from './storeState.ts';

/** Bytes read by one system call: what stays in the core's second-level cache until it is hashed and compressed. */
const readBytes = 256 * 1024;

/** Takes ranges off a plan until none is left. Returns the inspector's report, if there is an inspector. */
export async function storeRanges(state: StoreState, plan: RangePlan): Promise<unknown> {
  const inspector = await openInspector(plan);
  const reader = new RangeReader(plan, inspector);
  const count = plan.ranges.length / rangeWords;
  try {
    for (;;) {
      const range = Atomics.add(plan.next, 0, 1);
      if (range >= count) return inspector?.report();
      if (state.host.aborted()) throw new OperationError('interrupted', 'the backup was stopped');
      plan.outcomes[range] = await storeRange(state, reader, range);
    }
  } finally {
    reader.close();
  }
}

async function storeRange(state: StoreState, reader: RangeReader, range: number): Promise<number> {
  const { plan } = reader;
  const [file, offset, length, firstChunk] = plan.ranges.subarray(
    range * rangeWords,
    (range + 1) * rangeWords,
  ) as unknown as [number, number, number, number];
  if (!reader.open(file)) return outcomeVanished;
  let outcome = outcomeDone;
  for (let done = 0; done < length; done += reader.pieceBytes) {
    const pieceLength = Math.min(reader.pieceBytes, length - done);
    if (!reader.read(offset + done, pieceLength)) outcome |= outcomeShrunk;
    const equal = reader.inspect(file, offset + done, pieceLength);
    for (let at = 0, index = 0; at < pieceLength; at += plan.chunkBytes, index++) {
      const chunk = reader.buffer.subarray(at, Math.min(at + plan.chunkBytes, pieceLength));
      const number = firstChunk + done / plan.chunkBytes + index;
      plan.crcs[number] = crc32c(chunk);
      if (equal?.[index] === 1 && reuseKnown(state, plan, number, chunk.length)) continue;
      const wait = storeChunk(state, chunk, { ids: plan.ids, at: number * 32 });
      if (wait !== undefined) await wait;
    }
  }
  return outcome;
}

const words = new Uint32Array(8);

/** Keeps the parent's id of a chunk that was proved equal, if the repository still has that blob. */
function reuseKnown(state: StoreState, plan: RangePlan, chunk: number, bytes: number): boolean {
  if (plan.known[chunk] !== 1) return false;
  if (state.table.find(idWords(plan.ids.subarray(chunk * 32, chunk * 32 + 32), words)) < 0) return false;
  countChunk(state, bytes);
  state.host.counters[counterReusedBytes]! += bytes;
  return true;
}

async function openInspector(plan: RangePlan): Promise<RangeInspector | undefined> {
  if (plan.inspector === undefined) return undefined;
  const module = (await import(plan.inspector.module)) as InspectorModule;
  const inspector = await module.createInspector(plan.inspector.options as never, pieceBytesOf(plan));
  assert(inspector.buffer.length >= pieceBytesOf(plan), 'an inspector has room for a piece');
  return inspector;
}

function pieceBytesOf(plan: RangePlan): number {
  return Math.max(plan.chunkBytes, Math.floor(readBytes / plan.chunkBytes) * plan.chunkBytes);
}

/** Reads pieces of the plan's files into one buffer; keeps the last file open. */
class RangeReader {
  readonly plan: RangePlan;
  readonly pieceBytes: number;
  readonly buffer: Buffer;
  readonly #inspector: RangeInspector | undefined;
  #file = -1;
  #fd = -1;

  constructor(plan: RangePlan, inspector: RangeInspector | undefined) {
    this.plan = plan;
    this.pieceBytes = pieceBytesOf(plan);
    this.#inspector = inspector;
    this.buffer = inspector?.buffer ?? Buffer.allocUnsafeSlow(this.pieceBytes);
  }

  /** False when the file is gone. */
  open(file: number): boolean {
    if (file === this.#file) return true;
    this.close();
    const path = Buffer.from(this.plan.paths[file]!, 'latin1');
    try {
      this.#fd = openSync(path, 'r');
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return false;
      throw unreadable(path, error);
    }
    this.#file = file;
    return true;
  }

  /** Reads a piece; a part that the file no longer has becomes zeros, and the result is false. */
  read(offset: number, length: number): boolean {
    let done = 0;
    while (done < length) {
      let count: number;
      try {
        count = readSync(this.#fd, this.buffer, done, Math.min(readBytes, length - done), offset + done);
      } catch (error) {
        throw unreadable(Buffer.from(this.plan.paths[this.#file]!, 'latin1'), error);
      }
      if (count === 0) {
        this.buffer.fill(0, done, length);
        return false;
      }
      done += count;
    }
    return true;
  }

  inspect(file: number, offset: number, length: number): Uint8Array | undefined {
    return this.#inspector?.inspect({
      file,
      tag: this.plan.tags[file]!,
      fd: this.#fd,
      offset,
      length,
      chunkBytes: this.plan.chunkBytes,
    });
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
    this.#file = -1;
  }
}

function unreadable(path: Buffer, cause: unknown): OperationError {
  const denied = ['EACCES', 'EPERM'].includes(systemErrorCode(cause) ?? '');
  return new OperationError(
    denied ? 'file-denied' : 'file-io',
    `cannot read ${path.toString()}: ${systemErrorCode(cause)}`,
    {
      hint: denied ? 'run as the owner of the data directory or as root' : 'look at the kernel log for disk errors',
      cause,
    },
  );
}
