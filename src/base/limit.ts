import { assert } from './errors.ts';

/** Lets at most `maxActive` tasks run at once; the others wait in the order in which they came. */
export class Limit {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(maxActive: number) {
    assert(Number.isSafeInteger(maxActive) && maxActive > 0, 'a limit lets at least one task run');
    this.#free = maxActive;
  }

  /**
   * Runs the task when it is its turn. An abort while it waits rejects with the signal's reason, and the task never
   * runs.
   */
  async run<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    try {
      return await task();
    } finally {
      this.#passOn();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const admit = (): void => {
        signal.removeEventListener('abort', abandon);
        resolve();
      };
      const abandon = (): void => {
        this.#waiting.delete(admit);
        reject(signal.reason);
      };
      this.#waiting.add(admit);
      signal.addEventListener('abort', abandon, { once: true });
    });
  }

  #passOn(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
