import { beforeEach, expect, test } from 'vitest';
import { createContext } from '../../base/context.ts';
import { addToLsn, toLsn, type Lsn } from '../../postgres/lsn.ts';
import { toTimelineId } from '../../postgres/timeline.ts';
import type { WalChunk } from '../../postgres/walStream.ts';
import { waitFor } from '../../testing/waitFor.ts';
import { madeSegment, smallSegmentBytes, testCluster } from '../fixture/segments.ts';
import { WalIntake } from './intake.ts';
import { Troubles } from './persistence.ts';
import { SegmentBuffer } from './segmentBuffer.ts';

const ctx = createContext();
const timeline = toTimelineId(1);
const begin = toLsn(BigInt(5 * smallSegmentBytes));
const { content } = madeSegment({ number: 5n });
const { content: following } = madeSegment({ number: 6n });

/** A spool and an archive whose every act waits for the test to let it go. */
class Slow {
  readonly syncs: { readonly to: number; readonly done: PromiseWithResolvers<void> }[] = [];
  readonly stores: { readonly name: string; readonly done: PromiseWithResolvers<void> }[] = [];
  readonly partials: number[] = [];
  released = 0;
  free = 2;

  readonly spool = {
    acquire: async (segment: SegmentBuffer['segment'], signal: AbortSignal): Promise<SegmentBuffer> => {
      await waitFor(() => this.free > 0 || signal.aborted, { what: 'a free buffer' });
      signal.throwIfAborted();
      this.free -= 1;
      return new SegmentBuffer(segment, { memory: new SharedArrayBuffer(segment.segmentBytes), file: 0 });
    },
    release: (): void => {
      this.free += 1;
      this.released += 1;
    },
    sync: async (buffer: SegmentBuffer): Promise<void> => {
      const sync = { to: buffer.filledBytes, done: Promise.withResolvers<void>() };
      this.syncs.push(sync);
      await sync.done.promise;
      buffer.spooledBytes = sync.to;
    },
  };

  readonly writer = {
    storeSegment: async ({ name }: SegmentBuffer) => {
      const store = { name, done: Promise.withResolvers<void>() };
      this.stores.push(store);
      await store.done.promise;
      return 'stored' as const;
    },
    storePartial: async (_buffer: SegmentBuffer, length: number) => {
      this.partials.push(length);
      return 'stored' as const;
    },
  };
}

let slow: Slow;
let intake: WalIntake;
let failures: unknown[];

beforeEach(async () => {
  slow = new Slow();
  failures = [];
  intake = new WalIntake(ctx, {
    spool: slow.spool,
    writer: slow.writer,
    troubles: new Troubles(ctx),
    systemIdentifier: testCluster,
    segmentBytes: smallSegmentBytes,
    onDurable: () => undefined,
    onFailure: (error) => failures.push(error),
  });
  await intake.begin(timeline, begin);
});

/** The bytes from `from` to `to` of the two segments, as the stream brings them. */
function chunk(from: number, to: number, serverAt: Lsn = begin): WalChunk {
  const payload = Buffer.concat([content, following]).subarray(from, to);
  const walStart = addToLsn(begin, BigInt(from));
  const end = addToLsn(begin, BigInt(to));
  return { walStart, walEnd: serverAt > end ? serverAt : end, serverTime: new Date(0), payload };
}

const at = (bytes: number): Lsn => addToLsn(begin, BigInt(bytes));
const settled = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve));

test('nothing counts as flushed before its sync has ended; what arrives meanwhile goes with the next one', async () => {
  await intake.accept([chunk(0, 100), chunk(100, 300)], ctx.signal);
  await intake.accept([chunk(300, 500)], ctx.signal);
  await intake.accept([chunk(500, 900)], ctx.signal);
  expect(slow.syncs.map(({ to }) => to)).toEqual([300]);
  expect([intake.receivedLsn, intake.flushedLsn, intake.archivedLsn]).toEqual([at(900), at(0), at(0)]);
  slow.syncs[0]!.done.resolve();
  await waitFor(() => slow.syncs.length === 2, { what: 'the next sync' });
  expect(intake.flushedLsn).toBe(at(300));
  expect(slow.syncs[1]!.to).toBe(900);
  slow.syncs[1]!.done.resolve();
  await waitFor(() => intake.flushedLsn === at(900), { what: 'all of it' });
  expect(slow.syncs).toHaveLength(2);
});

test('a segment that arrives from a backlog goes straight to the repository, and counts when it is there', async () => {
  const end = smallSegmentBytes + 50;
  await intake.accept([chunk(0, end, at(2 * smallSegmentBytes))], ctx.signal);
  expect(slow.syncs).toEqual([]);
  expect(intake.flushedLsn).toBe(at(0));
  slow.stores[0]!.done.resolve();
  await waitFor(() => intake.archivedLsn === at(smallSegmentBytes), { what: 'the segment' });
  expect(intake.flushedLsn).toBe(at(smallSegmentBytes));
  await intake.refreshPartial();
  expect(slow.partials).toEqual([]); // it will be whole soon
  void intake.secure(); // the connection broke
  await waitFor(() => slow.syncs.length === 1, { what: 'the sync of what there is' });
  expect(slow.partials).toEqual([50]);
});

test('an end of the segment in the spool does not count while its middle is not there', async () => {
  await intake.accept([chunk(0, 10), chunk(10, smallSegmentBytes + 10)], ctx.signal);
  expect(slow.syncs.map(({ to }) => to)).toEqual([smallSegmentBytes]);
  slow.syncs[0]!.done.resolve();
  await waitFor(() => slow.syncs.length === 2, { what: 'the sync of the second segment' });
  expect(intake.flushedLsn).toBe(at(smallSegmentBytes));
  expect(intake.archivedLsn).toBe(at(0));
  slow.stores[0]!.done.resolve();
  await waitFor(() => slow.released === 1, { what: 'the release of the first' });
  expect(intake.archivedLsn).toBe(at(smallSegmentBytes));
});

test('waits while all buffers are in use, and stops waiting when told', async () => {
  const stop = new AbortController();
  const all = [chunk(0, 2 * smallSegmentBytes)];
  await intake.accept(all, stop.signal);
  const waiting = intake.accept([{ ...chunk(0, 10), walStart: at(2 * smallSegmentBytes) }], stop.signal);
  await settled();
  expect(intake.receivedLsn).toBe(at(2 * smallSegmentBytes));
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});

test('a buffer is not given back while a sync reads it', async () => {
  await intake.accept([chunk(0, 10), chunk(10, smallSegmentBytes)], ctx.signal);
  slow.stores[0]!.done.resolve();
  await waitFor(() => intake.archivedLsn === at(smallSegmentBytes), { what: 'the segment' });
  await settled();
  expect(slow.released).toBe(0);
  slow.syncs[0]!.done.resolve();
  await waitFor(() => slow.released === 1, { what: 'the release' });
});

test('a stream that repeats what is there must repeat it exactly; one that goes elsewhere leaves a partial', async () => {
  await intake.accept([chunk(0, 5000)], ctx.signal);
  slow.syncs[0]!.done.resolve();
  await intake.begin(timeline, begin);
  await intake.accept([chunk(0, 6000)], ctx.signal);
  expect(intake.receivedLsn).toBe(at(6000));
  await intake.begin(timeline, begin);
  const other = chunk(0, 6000);
  const payload = Buffer.from(other.payload);
  payload[4000]! ^= 1;
  await expect(intake.accept([{ ...other, payload }], ctx.signal)).rejects.toMatchObject({ code: 'wal-conflict' });
  await waitFor(() => slow.syncs.length === 2, { what: 'the second sync' });
  slow.syncs[1]!.done.resolve();
  await intake.begin(toTimelineId(2), begin);
  expect(slow.partials).toEqual([6000]);
  expect(intake.interruptedAt).toEqual({ timeline: 2, lsn: begin });
  expect(failures).toEqual([]);
});

test('what no waiting can mend is told once, and nothing counts any more', async () => {
  await intake.accept([chunk(0, smallSegmentBytes)], ctx.signal);
  slow.stores[0]!.done.reject(new Error('different content'));
  await waitFor(() => failures.length === 1, { what: 'the failure' });
  expect(intake.archivedLsn).toBe(at(0));
});
