/** Calls back once nothing has happened for a while. */
export class IdleTimer {
  readonly #idleMs: number;
  readonly #onIdle: () => void;
  #timer: NodeJS.Timeout | undefined;
  #busy = 0;

  constructor(idleMs: number, onIdle: () => void) {
    this.#idleMs = idleMs;
    this.#onIdle = onIdle;
    this.touch();
  }

  /** Something happened: the time begins anew. */
  touch(): void {
    clearTimeout(this.#timer);
    if (this.#busy === 0) this.#timer = setTimeout(this.#onIdle, this.#idleMs);
  }

  /** As long as the work lasts it is not idle. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#busy++;
    clearTimeout(this.#timer);
    try {
      return await work();
    } finally {
      this.#busy--;
      this.touch();
    }
  }

  stop(): void {
    this.#busy = Number.POSITIVE_INFINITY;
    clearTimeout(this.#timer);
  }
}
