import type { Context } from '../../base/context.ts';
import { errorMessage } from '../../base/errors.ts';
import { WorkerPool, moduleUrl } from '../../base/workerPool.ts';
import { openPrivateDirectory } from '../background/privateDirectory.ts';
import { SegmentBuffer } from './segmentBuffer.ts';
import { lockSpool } from './spoolLock.ts';
import type { LoadedSpool, SpoolKernelInit, SpoolTask } from './worker/spoolKernel.ts';
import type { SpoolSegment } from './worker/spoolRecord.ts';
import { valueOf, type TaskResult } from './worker/taskResult.ts';

/** Most memory for segments that are on their way; two segments are always allowed. */
const memoryLimitBytes = 256 * 1024 * 1024;

interface Place {
  readonly memory: SharedArrayBuffer;
  readonly file: number;
}

/**
 * The local directory that makes received WAL durable before it is in the repository, and the memory that it comes
 * from: every buffer has a file of its own, and there is a fixed number of them. A thread of its own writes and syncs.
 * All calls throw `file-io` or `file-denied` when the disk does not do as it should; they may be repeated.
 */
export class Spool implements AsyncDisposable {
  /** What an earlier receiver left, oldest first. */
  readonly recovered: readonly SegmentBuffer[];
  readonly #ctx: Context;
  readonly #pool: WorkerPool;
  readonly #lock: AsyncDisposable;
  readonly #maxBuffers: number;
  readonly #used: Set<number>;
  readonly #free: Place[] = [];
  readonly #waiting = new Set<() => void>();

  private constructor(
    ctx: Context,
    parts: { pool: WorkerPool; lock: AsyncDisposable; buffers: number; loaded: LoadedSpool },
  ) {
    this.#ctx = ctx;
    this.#pool = parts.pool;
    this.#lock = parts.lock;
    this.#maxBuffers = parts.buffers;
    this.#used = new Set(parts.loaded.map(({ file }) => file));
    this.recovered = parts.loaded.map(recoveredBuffer).sort(byPlaceInHistory);
  }

  /**
   * Creates the directory where it is missing (private to this user), locks it and reads what is in it. `buffers` is
   * the number of segments that may be on their way at once. Throws `wal-slot` when another receiver uses it.
   */
  static async open(ctx: Context, options: { readonly directory: string; readonly buffers: number }): Promise<Spool> {
    const { directory, buffers } = options;
    openPrivateDirectory(directory);
    await using opened = new AsyncDisposableStack();
    const lock = opened.use(await lockSpool(directory));
    const module = moduleUrl('./worker/spoolKernel', import.meta);
    const init: SpoolKernelInit = { directory };
    const pool = opened.use(await WorkerPool.open({ module, threads: 1, init, signal: ctx.signal }));
    const loaded = valueOf(await pool.runOnAny<TaskResult<LoadedSpool>>({ kind: 'load' } satisfies SpoolTask));
    opened.move();
    return new Spool(ctx, { pool, lock, buffers, loaded });
  }

  /** Memory for one more segment; waits until there is some. Rejects with the signal's reason when it aborts. */
  async acquire(segment: SpoolSegment, signal: AbortSignal): Promise<SegmentBuffer> {
    const limit = Math.max(2, Math.min(this.#maxBuffers, Math.floor(memoryLimitBytes / segment.segmentBytes)));
    for (;;) {
      signal.throwIfAborted();
      const place = this.#free.pop();
      if (place !== undefined) return new SegmentBuffer(segment, fitting(place, segment.segmentBytes));
      if (this.#used.size < limit) {
        const file = this.#nextFile();
        return new SegmentBuffer(segment, { memory: new SharedArrayBuffer(segment.segmentBytes), file });
      }
      await this.#released(signal);
    }
  }

  /** Gives a segment's memory and file back; nothing of it may be under way. Its content is not needed any more. */
  release({ memory, file }: SegmentBuffer): void {
    const cleared = this.#run({ kind: 'clear', file });
    cleared.catch((error: unknown) => {
      this.#ctx.log.warn({ file, error: errorMessage(error) }, 'cannot clear a file of the WAL spool');
    });
    this.#free.push({ memory, file });
    for (const wake of this.#waiting) wake();
  }

  /** Makes what has arrived of a segment until now durable. One call at a time. */
  async sync(buffer: SegmentBuffer): Promise<void> {
    const { segment, memory, file, spooledBytes: from, filledBytes: to } = buffer;
    if (from === to) return;
    await this.#run({ kind: 'append', file, segment, memory, from, to });
    buffer.spooledBytes = to;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
    await this.#lock[Symbol.asyncDispose]();
  }

  async #run(task: SpoolTask): Promise<void> {
    valueOf(await this.#pool.runOnAny<TaskResult<unknown>>(task));
  }

  #nextFile(): number {
    let file = 0;
    while (this.#used.has(file)) file++;
    this.#used.add(file);
    return file;
  }

  async #released(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#waiting.add(wake);
    signal.addEventListener('abort', wake, { once: true });
    await promise;
    signal.removeEventListener('abort', wake);
    this.#waiting.delete(wake);
  }
}

function recoveredBuffer({ segment, filledBytes, memory, file }: LoadedSpool[number]): SegmentBuffer {
  const buffer = new SegmentBuffer(segment, { memory, file });
  buffer.filledBytes = filledBytes;
  buffer.spooledBytes = filledBytes;
  return buffer;
}

function byPlaceInHistory({ segment: one }: SegmentBuffer, { segment: other }: SegmentBuffer): number {
  if (one.timeline !== other.timeline) return one.timeline - other.timeline;
  return one.begin < other.begin ? -1 : 1;
}

function fitting(place: Place, segmentBytes: number): Place {
  if (place.memory.byteLength === segmentBytes) return place;
  return { memory: new SharedArrayBuffer(segmentBytes), file: place.file };
}
