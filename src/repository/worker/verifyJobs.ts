import type { BlobType } from '../blob.ts';
import { jobWords, type BlobProblem } from '../blobConsumer.ts';
import { BlobTable, idWords, plainLength, type SharedBlobTable } from '../blobTable.ts';
import { toHex } from '../../base/hex.ts';
import { expectedPackBytes, parsePackHeader, type PackBlob } from '../pack/packHeader.ts';
import { packObjectName } from '../pack/packSink.ts';
import { isPackProblem, isWholePackProblem, type PackEnd } from './packReader.ts';
import { cutSegments } from './readJobs.ts';
import { countBlob, stopWhenAborted, type ReadLane } from './readLane.ts';

/** Packs to be verified, cut into slices that threads take one after the other. */
export interface VerifyPlan {
  readonly tables: Readonly<Record<BlobType, SharedBlobTable>>;
  readonly packIds: readonly string[];
  /** Per pack: its number in the index. */
  readonly packNumbers: Uint32Array;
  /** Per pack: how many blobs the index locates in it. */
  readonly blobCounts: Uint32Array;
  /** Per job: position of its pack, which slice of it, of how many. The first slice also judges the pack as a whole. */
  readonly jobs: Uint32Array;
  readonly next: Int32Array;
}

/** A pack under verification. */
interface PackCheck {
  readonly object: string;
  readonly number: number;
  readonly tables: Readonly<Record<BlobType, BlobTable>>;
  readonly problems: BlobProblem[];
}

/** Takes jobs off the plan until none is left. Resolves with everything that is wrong. */
export async function verifyJobs(lane: ReadLane, plan: VerifyPlan): Promise<BlobProblem[]> {
  const tables = { data: BlobTable.attach(plan.tables.data), tree: BlobTable.attach(plan.tables.tree) };
  const problems: BlobProblem[] = [];
  const count = plan.jobs.length / jobWords;
  try {
    for (;;) {
      const job = Atomics.add(plan.next, 0, 1);
      if (job >= count) return problems;
      const pack = plan.jobs[job * jobWords]!;
      const object = packObjectName(plan.packIds[pack]!);
      await verifyJob(lane, plan, { job, check: { object, number: plan.packNumbers[pack]!, tables, problems } });
    }
  } finally {
    lane.reader.close();
  }
}

async function verifyJob(
  lane: ReadLane,
  plan: VerifyPlan,
  { job, check }: { job: number; check: PackCheck },
): Promise<void> {
  const [pack, slice, slices] = plan.jobs.subarray(job * jobWords, (job + 1) * jobWords) as unknown as number[];
  const packId = plan.packIds[pack!]!;
  const first = slice === 0;
  let blobs: PackBlob[];
  try {
    lane.reader.open(packId, []);
    const end = await lane.reader.readEnd(first);
    if (first && end.digest !== packId) report(check, 'its content does not match its name');
    blobs = parsePackHeader(lane.opener.openHeader(end.sealedHeader));
    if (first) compareWithIndex(check, { end, blobs, indexed: plan.blobCounts[pack!]! });
  } catch (error) {
    if (!isPackProblem(error)) throw error;
    if (first) report(check, error.message);
    if (isWholePackProblem(error)) return;
    blobs = indexedBlobs(check);
  }
  const part = Math.ceil(blobs.length / slices!);
  await verifyBlobs(lane, { packId, blobs: blobs.slice(part * slice!, part * (slice! + 1)) }, check);
}

/** Header and index must say the same about the pack, and its size must follow from it: nothing else may be in it. */
function compareWithIndex(
  check: PackCheck,
  found: { end: PackEnd; blobs: readonly PackBlob[]; indexed: number },
): void {
  const located = { data: new Set<number>(), tree: new Set<number>() };
  const elsewhere: { readonly blob: PackBlob; readonly entry: number }[] = [];
  for (const blob of found.blobs) {
    const table = check.tables[blob.type];
    const entry = table.find(idWords(blob.id));
    const location = entry < 0 ? undefined : table.location(entry);
    if (location === undefined) report(check, 'it holds a blob that no index lists', blob.id);
    if (location?.pack !== check.number) continue; // a duplicate, which the index locates in another pack
    if (location.offset === blob.offset && location.length === blob.length && location.rawLength === blob.rawLength) {
      located[blob.type].add(entry);
    } else elsewhere.push({ blob, entry });
  }
  for (const { blob, entry } of elsewhere) {
    if (located[blob.type].has(entry)) continue; // twice in this pack, which is legal
    located[blob.type].add(entry);
    report(check, 'it holds a blob elsewhere than the index says', blob.id);
  }
  if (located.data.size + located.tree.size !== found.indexed) {
    report(check, 'it lacks blobs that the index locates in it');
  }
  if (expectedPackBytes(found.blobs) !== found.end.sizeBytes) report(check, 'its size does not follow from its header');
}

/** What the index locates in a pack whose own header cannot be read; by a search through everything. */
function indexedBlobs(check: PackCheck): PackBlob[] {
  const blobs: PackBlob[] = [];
  for (const type of ['data', 'tree'] as const) {
    const table = check.tables[type];
    for (let entry = 0; entry < table.size; entry++) {
      const location = table.location(entry);
      if (location?.pack === check.number) blobs.push({ type, id: table.idOf(entry), ...location });
    }
  }
  return blobs.sort((a, b) => a.offset - b.offset);
}

let target: Buffer = Buffer.alloc(0);

async function verifyBlobs(
  lane: ReadLane,
  pack: { readonly packId: string; readonly blobs: readonly PackBlob[] },
  check: PackCheck,
): Promise<void> {
  try {
    lane.reader.open(pack.packId, cutSegments(pack.blobs));
  } catch (error) {
    if (!isPackProblem(error)) throw error; // reported for the pack as a whole
    return;
  }
  for (const blob of pack.blobs) {
    stopWhenAborted(lane.host);
    const location = { pack: check.number, offset: blob.offset, length: blob.length, rawLength: blob.rawLength };
    const length = plainLength(location);
    try {
      const reading = lane.reader.read(blob.offset, blob.length);
      const sealed = reading instanceof Promise ? await reading : reading;
      if (target.length < length) target = Buffer.allocUnsafeSlow(length);
      lane.opener.openInto(sealed, { location, id: blob.id }, target.subarray(0, length));
      countBlob(lane, location);
    } catch (error) {
      if (!isPackProblem(error)) throw error;
      report(check, error.message, blob.id);
    }
  }
}

function report({ object, problems }: PackCheck, problem: string, blob?: Buffer): void {
  problems.push({ object, problem, ...(blob === undefined ? {} : { blob: toHex(blob) }) });
}
