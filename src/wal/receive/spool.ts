import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../base/context.ts';
import { errorMessage } from '../../base/errors.ts';
import { openPrivateDirectory } from '../background/privateDirectory.ts';
import { SegmentBuffer } from './segmentBuffer.ts';
import { spoolFileError } from './spoolErrors.ts';
import { SpoolFile } from './spoolFile.ts';
import { lockSpool } from './spoolLock.ts';
import type { SpoolSegment } from './spoolRecord.ts';

/** Most memory for segments that are on their way; two segments are always allowed. */
const memoryLimitBytes = 256 * 1024 * 1024;
const filePattern = /^spool-(\d{1,4})$/;

export interface SpoolOptions {
  readonly directory: string;
  /** How many segments may be on their way at once. */
  readonly buffers: number;
}

interface Place {
  readonly memory: SharedArrayBuffer;
  readonly file: number;
}

/**
 * The local directory that makes received WAL durable before it is in the repository, and the memory that it comes
 * from: every buffer has a file of its own, and there is a fixed number of them.
 * All calls throw `file-io` or `file-denied` when the disk does not do as it should; they may be repeated.
 */
export class Spool implements AsyncDisposable {
  /** What an earlier receiver left, oldest first. */
  readonly recovered: readonly SegmentBuffer[];
  readonly #ctx: Context;
  readonly #directory: string;
  readonly #maxBuffers: number;
  readonly #lock: AsyncDisposable;
  readonly #files = new Map<number, SpoolFile>();
  readonly #used = new Set<number>();
  readonly #free: Place[] = [];
  readonly #waiting = new Set<() => void>();
  #syncing: Promise<void> = Promise.resolve();

  private constructor(ctx: Context, options: SpoolOptions, lock: AsyncDisposable) {
    this.#ctx = ctx;
    this.#directory = options.directory;
    this.#maxBuffers = options.buffers;
    this.#lock = lock;
    this.recovered = this.#load().sort(byPlaceInHistory);
  }

  /**
   * Creates the directory where it is missing (private to this user), locks it and reads what is in it.
   * Throws `wal-slot` when another receiver uses it.
   */
  static async open(ctx: Context, options: SpoolOptions): Promise<Spool> {
    const { directory } = options;
    openPrivateDirectory(directory);
    const lock = await lockSpool(directory);
    try {
      return new Spool(ctx, options, lock);
    } catch (error) {
      await lock[Symbol.asyncDispose]();
      throw spoolFileError(error, directory);
    }
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
    try {
      this.#fileAt(file).clear();
    } catch (error) {
      this.#ctx.log.warn({ file, error: errorMessage(error) }, 'cannot clear a file of the WAL spool');
    }
    this.#free.push({ memory, file });
    for (const wake of this.#waiting) wake();
  }

  /** Makes what has arrived of a segment until now durable. One call at a time. */
  async sync(buffer: SegmentBuffer): Promise<void> {
    const { segment, memory, file, spooledBytes: from, filledBytes: to } = buffer;
    if (from === to) return;
    const syncing = this.#fileAt(file).append({ segment, memory, from, to });
    this.#syncing = syncing.catch(() => undefined);
    try {
      await syncing;
    } catch (error) {
      throw spoolFileError(error, this.#directory);
    }
    buffer.spooledBytes = to;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#syncing;
    for (const file of this.#files.values()) file.close();
    await this.#lock[Symbol.asyncDispose]();
  }

  #load(): SegmentBuffer[] {
    return readdirSync(this.#directory).flatMap((name) => {
      const number = Number(filePattern.exec(name)?.[1] ?? Number.NaN);
      const found = Number.isNaN(number) ? undefined : this.#fileAt(number).load();
      if (found === undefined) return [];
      this.#used.add(number);
      const buffer = new SegmentBuffer(found.segment, { memory: found.memory, file: number });
      buffer.filledBytes = found.filledBytes;
      buffer.spooledBytes = found.filledBytes;
      return [buffer];
    });
  }

  #fileAt(number: number): SpoolFile {
    let file = this.#files.get(number);
    if (file === undefined) {
      file = new SpoolFile(join(this.#directory, `spool-${number}`));
      this.#files.set(number, file);
    }
    return file;
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

function byPlaceInHistory({ segment: one }: SegmentBuffer, { segment: other }: SegmentBuffer): number {
  if (one.timeline !== other.timeline) return one.timeline - other.timeline;
  return one.begin < other.begin ? -1 : 1;
}

function fitting(place: Place, segmentBytes: number): Place {
  if (place.memory.byteLength === segmentBytes) return place;
  return { memory: new SharedArrayBuffer(segmentBytes), file: place.file };
}
