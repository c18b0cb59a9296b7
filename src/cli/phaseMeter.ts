import type { Clock } from '../base/clock.ts';
import type { ProgressAmount } from '../base/progress.ts';

/** How far a phase is, at one moment. */
export interface PhaseState {
  readonly name: string;
  readonly done: Required<ProgressAmount>;
  readonly total: ProgressAmount;
  readonly elapsedMs: number;
  /** Bytes a second over the last seconds; undefined until there is something to measure. */
  readonly bytesPerSecond: number | undefined;
  /** Undefined while it cannot be told. */
  readonly remainingMs: number | undefined;
}

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
  readonly items: number;
}

const windowMs = 10_000;
const sampleEveryMs = 200;

/** Counts what a phase has done and measures its speed over a window of the last ten seconds. */
export class PhaseMeter {
  readonly #name: string;
  readonly #total: ProgressAmount;
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #samples: Sample[];
  #bytes = 0;
  #items = 0;

  constructor(name: string, total: ProgressAmount, clock: Clock) {
    this.#name = name;
    this.#total = total;
    this.#clock = clock;
    this.#startMs = clock.monotonicMs();
    this.#samples = [{ atMs: this.#startMs, bytes: 0, items: 0 }];
  }

  advance({ bytes = 0, items = 0 }: ProgressAmount): void {
    this.#bytes += bytes;
    this.#items += items;
  }

  /** The state now. Speed is measured between calls, so it wants to be called several times a second. */
  state(): PhaseState {
    const nowMs = this.#clock.monotonicMs();
    const oldest = this.#sample(nowMs);
    const spanMs = nowMs - oldest.atMs;
    const bytesPerSecond = spanMs > 0 && this.#bytes > 0 ? ((this.#bytes - oldest.bytes) / spanMs) * 1000 : undefined;
    return {
      name: this.#name,
      done: { bytes: this.#bytes, items: this.#items },
      total: this.#total,
      elapsedMs: nowMs - this.#startMs,
      bytesPerSecond,
      remainingMs: spanMs > 0 ? this.#remaining(oldest, spanMs) : undefined,
    };
  }

  #sample(atMs: number): Sample {
    const last = this.#samples.at(-1);
    if (last === undefined || atMs - last.atMs >= sampleEveryMs)
      this.#samples.push({ atMs, bytes: this.#bytes, items: this.#items });
    while (this.#samples.length > 2 && atMs - this.#samples[1]!.atMs >= windowMs) this.#samples.shift();
    return this.#samples[0]!;
  }

  #remaining(oldest: Sample, spanMs: number): number | undefined {
    const { bytes, items } = this.#total;
    const [total, done, before] =
      bytes !== undefined && bytes > 0 ? [bytes, this.#bytes, oldest.bytes] : [items ?? 0, this.#items, oldest.items];
    const perMs = (done - before) / spanMs;
    return total > 0 && perMs > 0 ? Math.max(0, total - done) / perMs : undefined;
  }
}
