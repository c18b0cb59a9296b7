import { assert } from '../base/errors.ts';
import type { ReadPlan } from './blobConsumer.ts';
import { plainLength, type BlobTable } from './blobTable.ts';

export interface ReadPlanOptions {
  /** Per want: the table entry of its blob, which has a location. Shared memory, when threads are used. */
  readonly entries: Uint32Array;
  /** Per want: 1 where nothing is to be read. */
  readonly skip?: Uint8Array;
  /** Plaintext bytes after which a job is cut, so that all threads are busy to the end. */
  readonly jobBytes: number;
  readonly packId: (pack: number) => string;
}

/** Positions that fit beside a 32-bit offset in the 53 bits of a sort key. */
const keyPositions = 2 ** 21;

/** Sorts the wants by pack and offset and cuts them into jobs. */
export function planReads(table: BlobTable, options: ReadPlanOptions): ReadPlan {
  const order = sortByPlace(table, options);
  const packIds: string[] = [];
  const jobs: number[] = [];
  let pack = -1;
  let bytes = 0;
  for (let at = 0; at < order.length; at++) {
    const entry = options.entries[order[at]!]!;
    const location = table.location(entry)!;
    const sameBlob = at > 0 && options.entries[order[at - 1]!] === entry;
    if (location.pack !== pack || (bytes >= options.jobBytes && !sameBlob)) {
      if (location.pack !== pack) packIds.push(options.packId(location.pack));
      pack = location.pack;
      bytes = 0;
      if (jobs.length > 0) jobs.push(at);
      jobs.push(packIds.length - 1, at);
    }
    if (!sameBlob) bytes += plainLength(location);
  }
  if (jobs.length > 0) jobs.push(order.length);
  return {
    table: table.shared,
    entries: options.entries,
    order,
    packIds,
    jobs: share(Uint32Array.from(jobs)),
    next: new Int32Array(new SharedArrayBuffer(4)),
  };
}

/** The wants to be read in the order of their packs' numbers and their offsets; equal blobs in the order of wants. */
function sortByPlace(table: BlobTable, { entries, skip }: ReadPlanOptions): Uint32Array {
  const packOf = new Uint32Array(entries.length);
  const offsetOf = new Uint32Array(entries.length);
  let packEnd = 0;
  for (let want = 0; want < entries.length; want++) {
    const location = table.location(entries[want]!);
    assert(location !== undefined, 'a blob that is to be read has a location');
    packOf[want] = location.pack;
    offsetOf[want] = location.offset;
    packEnd = Math.max(packEnd, location.pack + 1);
  }
  const bucketEnds = new Uint32Array(packEnd + 1);
  for (let want = 0; want < entries.length; want++) if (skip?.[want] !== 1) bucketEnds[packOf[want]! + 1]! += 1;
  for (let pack = 0; pack < packEnd; pack++) bucketEnds[pack + 1]! += bucketEnds[pack]!;
  const starts = bucketEnds.slice(0, packEnd);
  const order = new Uint32Array(new SharedArrayBuffer(bucketEnds[packEnd]! * 4));
  for (let want = 0; want < entries.length; want++) {
    if (skip?.[want] !== 1) order[starts[packOf[want]!]!++] = want;
  }
  for (let pack = 0; pack < packEnd; pack++) {
    sortByOffset(order.subarray(bucketEnds[pack], bucketEnds[pack + 1]), offsetOf);
  }
  return order;
}

/** Stable. Numbers sort many times faster than a comparing function can, so position and offset become one number. */
function sortByOffset(wants: Uint32Array, offsetOf: Uint32Array): void {
  if (wants.length > keyPositions) {
    wants.sort((a, b) => offsetOf[a]! - offsetOf[b]! || a - b);
    return;
  }
  const keys = Float64Array.from(wants, (want, position) => offsetOf[want]! * keyPositions + position).sort();
  const unsorted = wants.slice();
  for (let at = 0; at < keys.length; at++) wants[at] = unsorted[keys[at]! % keyPositions]!;
}

function share(values: Uint32Array): Uint32Array {
  const shared = new Uint32Array(new SharedArrayBuffer(values.byteLength));
  shared.set(values);
  return shared;
}
