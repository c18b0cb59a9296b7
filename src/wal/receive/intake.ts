import type { Context } from '../../base/context.ts';
import { assert, isOperationError } from '../../base/errors.ts';
import { addToLsn, type Lsn } from '../../postgres/lsn.ts';
import type { SystemIdentifier } from '../../postgres/systemIdentifier.ts';
import type { TimelineId } from '../../postgres/timeline.ts';
import { longHeaderBytes } from '../../postgres/walPage.ts';
import type { WalChunk } from '../../postgres/walStream.ts';
import type { ArchiveWriter } from './archiveWriter.ts';
import { persistently, type Troubles } from './persistence.ts';
import type { SegmentBuffer } from './segmentBuffer.ts';
import type { Spool } from './spool.ts';
import type { StartPoint } from './startPoint.ts';

export interface IntakeOptions {
  readonly spool: Pick<Spool, 'acquire' | 'release' | 'sync'>;
  readonly writer: Pick<ArchiveWriter, 'storeSegment' | 'storePartial'>;
  readonly troubles: Troubles;
  readonly systemIdentifier: SystemIdentifier;
  readonly segmentBytes: number;
  /** Called when `flushedLsn` may have risen. */
  readonly onDurable: () => void;
  /** Called once, for what no waiting can mend. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Takes WAL from the stream into memory and brings it to safety: into the spool as soon as the sync before has ended
 * (whatever has arrived meanwhile goes with the next), whole segments into the repository.
 */
export class WalIntake {
  readonly #ctx: Context;
  readonly #options: IntakeOptions;
  /** Segments of which something is not in the repository, oldest first; the last may be unfinished. */
  readonly #open: SegmentBuffer[] = [];
  /** The unfinished segment, or the one that comes next. */
  #start: StartPoint | undefined;
  #begun = false;
  #syncing: { readonly buffer: SegmentBuffer; readonly ended: Promise<void> } | undefined;
  readonly #working = new Set<Promise<unknown>>();
  #storingPartial: Promise<void> | undefined;
  #failed = false;
  segmentsArchived = 0;

  constructor(ctx: Context, options: IntakeOptions) {
    this.#ctx = ctx;
    this.#options = options;
  }

  /** Where the stream was interrupted: at the unfinished segment's first byte, or at the next segment. */
  get interruptedAt(): StartPoint | undefined {
    return this.#begun ? this.#start : undefined;
  }

  get timeline(): TimelineId | undefined {
    return this.#start?.timeline;
  }

  /** Position after the last byte that has arrived. */
  get receivedLsn(): Lsn | undefined {
    return this.#unfinished?.position ?? this.#start?.lsn;
  }

  /** Everything before here is durable: in the spool or in the repository. */
  get flushedLsn(): Lsn | undefined {
    return (
      this.#open.find(({ durableLsn, segment }) => durableLsn < segmentEnd(segment))?.durableLsn ?? this.#start?.lsn
    );
  }

  /** Everything before here is in the repository. */
  get archivedLsn(): Lsn | undefined {
    return this.#open.find(({ archived }) => !archived)?.archivedLsn ?? this.#start?.lsn;
  }

  /**
   * Takes over what an earlier receiver left of an unfinished segment. It says nothing about where to go on: segments
   * before it may have been on their way past the spool.
   */
  adopt(buffer: SegmentBuffer): void {
    assert(this.#open.length === 0, 'an unfinished segment is adopted first');
    const { timeline, begin } = buffer.segment;
    this.#start = { timeline, lsn: begin };
    this.#open.push(buffer);
  }

  /**
   * A stream begins at a segment's first byte. What was unfinished is continued if the stream repeats it, else given
   * up.
   */
  async begin(timeline: TimelineId, lsn: Lsn): Promise<void> {
    assert(lsn % BigInt(this.#options.segmentBytes) === 0n, 'receiving begins at a segment');
    const unfinished = this.#unfinished;
    const goesOn = unfinished?.segment.timeline === timeline && unfinished.segment.begin === lsn;
    if (unfinished !== undefined && !goesOn) await this.#giveUp(unfinished);
    this.#start = { timeline, lsn };
    this.#begun = true;
  }

  /** Copies what a batch brings; waits while too many segments are on their way. Rejects when `signal` aborts then. */
  async accept(batch: readonly WalChunk[], signal: AbortSignal): Promise<void> {
    for (const chunk of batch) {
      for (let at = 0; at < chunk.payload.length;) {
        const lsn = addToLsn(chunk.walStart, BigInt(at));
        const buffer = this.#unfinished ?? (await this.#next(lsn, { walEnd: chunk.walEnd, signal }));
        at += buffer.accept(lsn, chunk.payload.subarray(at));
        if (buffer.isFull) this.#finish(buffer);
      }
    }
    this.#sync();
  }

  /** Stores what there is of the unfinished segment, unless that was done or it still arrives from a backlog. */
  async refreshPartial(): Promise<void> {
    if (this.#unfinished?.spooling === true) await this.#storePartial();
  }

  /**
   * Brings all that has arrived of the unfinished segment to safety at once: into the spool and into the repository.
   */
  async secure(): Promise<void> {
    const buffer = this.#unfinished;
    if (buffer !== undefined) buffer.spooling = true;
    this.#sync();
    await this.#storePartial();
  }

  /** Waits until all that has arrived is in the repository. */
  async settle(): Promise<void> {
    await this.secure();
    while (this.#working.size > 0) await Promise.all(this.#working);
  }

  get #unfinished(): SegmentBuffer | undefined {
    const last = this.#open.at(-1);
    return last === undefined || last.isFull ? undefined : last;
  }

  async #next(lsn: Lsn, at: { readonly walEnd: Lsn; readonly signal: AbortSignal }): Promise<SegmentBuffer> {
    const { spool, systemIdentifier, segmentBytes } = this.#options;
    assert(this.#start?.lsn === lsn, 'a segment begins where the last one ended');
    const { timeline } = this.#start;
    const buffer = await spool.acquire({ systemIdentifier, timeline, begin: lsn, segmentBytes }, at.signal);
    buffer.spooling = at.walEnd < segmentEnd(buffer.segment);
    this.#open.push(buffer);
    return buffer;
  }

  #finish(buffer: SegmentBuffer): void {
    this.#start = { timeline: buffer.segment.timeline, lsn: segmentEnd(buffer.segment) };
    this.#background(
      (async () => {
        await this.#options.writer.storeSegment(buffer, this.#storingPartial);
        buffer.archived = true;
        this.segmentsArchived += 1;
        this.#options.onDurable();
        await this.#remove(buffer);
      })(),
    );
  }

  /** Syncs what has arrived and is not durable, oldest first, one sync at a time, until there is nothing more. */
  #sync(): void {
    if (this.#syncing !== undefined || this.#failed) return;
    const buffer = this.#open.find((open) => open.spooling && !open.archived && open.spooledBytes < open.filledBytes);
    if (buffer === undefined) return;
    const { spool, troubles, onDurable } = this.#options;
    const mayPass = (error: unknown): boolean => isOperationError(error, 'file-io', 'file-denied');
    const synced = persistently(this.#ctx, () => spool.sync(buffer), { name: 'spool', troubles, mayPass });
    const ended = synced
      .finally(() => (this.#syncing = undefined))
      .then(() => {
        onDurable();
        this.#sync();
      });
    this.#syncing = { buffer, ended };
    this.#background(ended);
  }

  async #giveUp(buffer: SegmentBuffer): Promise<void> {
    await this.#storePartial();
    await this.#remove(buffer);
  }

  async #storePartial(): Promise<void> {
    while (this.#storingPartial !== undefined) await this.#storingPartial;
    const buffer = this.#unfinished;
    if (buffer === undefined || buffer.filledBytes < longHeaderBytes || buffer.filledBytes === buffer.partialBytes)
      return;
    const length = buffer.filledBytes;
    const stored = this.#options.writer.storePartial(buffer, length);
    this.#storingPartial = stored
      .finally(() => (this.#storingPartial = undefined))
      .then(() => {
        buffer.partialBytes = length;
        this.#options.onDurable();
      });
    await this.#storingPartial;
  }

  async #remove(buffer: SegmentBuffer): Promise<void> {
    while (this.#syncing?.buffer === buffer) await this.#syncing.ended;
    this.#open.splice(this.#open.indexOf(buffer), 1);
    this.#options.spool.release(buffer);
  }

  #background(work: Promise<unknown>): void {
    const watched = work.catch((error: unknown) => {
      if (this.#failed) return;
      this.#failed = true;
      this.#options.onFailure(error);
    });
    this.#working.add(watched);
    void watched.then(() => this.#working.delete(watched));
  }
}

function segmentEnd({ begin, segmentBytes }: { readonly begin: Lsn; readonly segmentBytes: number }): Lsn {
  return addToLsn(begin, BigInt(segmentBytes));
}
