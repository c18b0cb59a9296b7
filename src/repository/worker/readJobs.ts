import { jobWords, type BlobConsumer, type BlobProblem, type ReadPlan } from '../blobConsumer.ts';
import { BlobTable, plainLength, type BlobLocation } from '../blobTable.ts';
import { assert } from '../../base/errors.ts';
import { toHex } from '../../base/hex.ts';
import { packObjectName } from '../pack/packSink.ts';
import { isPackProblem, isWholePackProblem, type Segment } from './packReader.ts';
import { countBlob, stopWhenAborted, type ReadLane } from './readLane.ts';

/** Unwanted bytes that cost less to read than another request. */
const gapBytes = 128 * 1024;
/** Most bytes fetched at once; what a loop over remote storage holds in memory. */
const segmentBytes = 8 * 1024 * 1024;

/** A blob of a job and the wants it satisfies. */
interface JobBlob {
  readonly entry: number;
  readonly location: BlobLocation;
  readonly wants: Uint32Array;
}

/** Takes jobs off the plan until none is left; hands every blob to the consumer. Resolves with what is damaged. */
export async function readJobs(lane: ReadLane, plan: ReadPlan): Promise<BlobProblem[]> {
  const table = BlobTable.attach(plan.table);
  const problems: BlobProblem[] = [];
  const count = plan.jobs.length / jobWords;
  try {
    for (;;) {
      const job = Atomics.add(plan.next, 0, 1);
      if (job >= count) return problems;
      problems.push(...(await readJob(lane, plan, { table, job })));
    }
  } finally {
    lane.reader.close();
  }
}

async function readJob(
  lane: ReadLane,
  plan: ReadPlan,
  { table, job }: { table: BlobTable; job: number },
): Promise<BlobProblem[]> {
  const { reader, consumer } = lane;
  assert(consumer !== undefined, 'blobs are read for a consumer');
  const [packNumber, first, end] = plan.jobs.subarray(job * jobWords, (job + 1) * jobWords) as unknown as number[];
  const packId = plan.packIds[packNumber!]!;
  const blobs = listBlobs(plan, table, plan.order.subarray(first, end));
  const object = packObjectName(packId);
  const problems: BlobProblem[] = [];
  try {
    reader.open(packId, cutSegments(blobs.map((blob) => blob.location)));
    for (const blob of blobs) {
      stopWhenAborted(lane.host);
      const problem = await readBlob(lane, consumer, { ...blob, id: table.idOf(blob.entry) });
      if (problem !== undefined) problems.push({ object, blob: toHex(table.idOf(blob.entry)), problem });
    }
  } catch (error) {
    if (!isWholePackProblem(error)) throw error;
    for (const blob of blobs) consumer.refuse(blob.wants);
    problems.push({ object, problem: error.message });
  }
  consumer.endJob();
  return problems;
}

/** Reads one blob and hands it over; returns what is wrong with it. */
async function readBlob(
  lane: ReadLane,
  consumer: BlobConsumer,
  { location, id, wants }: JobBlob & { readonly id: Buffer },
): Promise<string | undefined> {
  try {
    const reading = lane.reader.read(location.offset, location.length);
    const sealed = reading instanceof Promise ? await reading : reading;
    const full = consumer.ready();
    if (full !== undefined) await full;
    lane.opener.openInto(sealed, { location, id }, consumer.room(wants[0]!, plainLength(location)));
  } catch (error) {
    if (isWholePackProblem(error) || !isPackProblem(error)) throw error;
    consumer.refuse(wants);
    return error.message;
  }
  countBlob(lane, location, wants.length);
  consumer.accept(wants);
  return undefined;
}

function listBlobs(plan: ReadPlan, table: BlobTable, order: Uint32Array): JobBlob[] {
  const blobs: JobBlob[] = [];
  for (let at = 0; at < order.length;) {
    const entry = plan.entries[order[at]!]!;
    const from = at;
    while (at < order.length && plan.entries[order[at]!] === entry) at++;
    const location = table.location(entry);
    assert(location !== undefined, 'a blob that is to be read has a location');
    blobs.push({ entry, location, wants: order.subarray(from, at) });
  }
  return blobs;
}

/** Joins blobs, which come in the order of their offsets, into ranges worth reading in one go. */
export function cutSegments(blobs: readonly Pick<BlobLocation, 'offset' | 'length'>[]): Segment[] {
  const segments: Segment[] = [];
  let from = 0;
  let to = -1;
  for (const { offset, length } of blobs) {
    const joins = to >= 0 && offset - to <= gapBytes && offset + length - from <= segmentBytes;
    if (!joins) {
      if (to >= 0) segments.push({ from, to });
      from = offset;
    }
    to = offset + length;
  }
  if (to >= 0) segments.push({ from, to });
  return segments;
}
