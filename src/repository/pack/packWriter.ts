import type { FinishedPack } from './packBuilder.ts';
import { PackBuilder, type PackBuilderOptions } from './packBuilder.ts';
import type { PackSink } from './packSink.ts';
import type { BlobType } from '../blob.ts';

/** What an index has to say about a pack that is durable. Cheap to send between threads. */
export interface StoredPack {
  readonly number: number;
  readonly id: string;
  readonly type: BlobType;
  readonly sizeBytes: number;
  readonly rawBytes: number;
  readonly entries: Uint32Array;
}

/** Packs that may wait for the disk while the next one is filled. */
const maxPending = 2;

/** Turns blobs into durable packs: fills, finishes and stores one after the other. One thread's, one blob type's. */
export class PackWriter {
  readonly #builder: PackBuilder;
  readonly #sink: PackSink;
  readonly #onStored: (pack: StoredPack) => void;
  readonly #pending: Promise<void>[] = [];

  constructor(options: PackBuilderOptions, sink: PackSink, onStored: (pack: StoredPack) => void) {
    this.#builder = new PackBuilder(options);
    this.#sink = sink;
    this.#onStored = onStored;
  }

  /**
   * Adds a claimed blob. Returns a promise only when a pack got full and the caller has to wait before the next one.
   */
  add(entry: number, plain: Uint8Array): Promise<void> | undefined {
    this.#builder.add(entry, plain);
    return this.#builder.isFull ? this.#store() : undefined;
  }

  /** Adds a claimed blob that is sealed already. */
  addSealed(entry: number, sealed: Uint8Array, rawLength: number): Promise<void> | undefined {
    this.#builder.addSealed(entry, sealed, rawLength);
    return this.#builder.isFull ? this.#store() : undefined;
  }

  /** Stores what is left and waits until every pack is durable. */
  async flush(): Promise<void> {
    if (!this.#builder.isEmpty) await this.#store();
    await Promise.all(this.#pending);
    this.#pending.length = 0;
  }

  /** Waits until nothing is under way any more, however it ended; for a writer whose work is given up. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }

  async #store(): Promise<void> {
    const pack = this.#builder.finish();
    const durable = this.#sink.put(pack).then(() => this.#onStored(describe(pack)));
    this.#pending.push(durable);
    // the first rejection is reported by the await below or by flush; until then it is not unhandled
    durable.catch(() => undefined);
    if (!this.#sink.copiesAtOnce) await durable;
    this.#builder.reset();
    if (this.#pending.length > maxPending) await this.#pending.shift();
  }
}

function describe(pack: FinishedPack): StoredPack {
  const { number, id, type, entries, rawBytes } = pack;
  return { number, id, type, sizeBytes: pack.bytes.length, rawBytes, entries };
}
