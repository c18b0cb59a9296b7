import type { Clock } from '../../base/clock.ts';

export interface LivenessOptions {
  /** How often a status goes out without being asked for. */
  readonly statusIntervalMs: number;
  /** A server that is silent for as long, although it was asked to answer, is dead. */
  readonly receiveTimeoutMs: number;
  /** True while we keep the server waiting, so that its silence means nothing. */
  readonly excused: () => boolean;
  /** Sends a status; `ask`: the server must answer at once. */
  readonly sendStatus: (ask: boolean) => void;
  readonly onDead: () => void;
}

/**
 * Keeps both ends of a stream sure of each other: reports regularly, so that the server does not give up on a slow
 * receiver, and notices a server, or a network, that has gone silent.
 */
export class Liveness {
  readonly #clock: Clock;
  readonly #options: LivenessOptions;
  readonly #stopped = new AbortController();
  #heardAtMs: number;
  #reportedAtMs: number;
  #askedAtMs: number | undefined;

  constructor(clock: Clock, options: LivenessOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#heardAtMs = clock.monotonicMs();
    this.#reportedAtMs = this.#heardAtMs;
    void this.#watch();
  }

  heard(): void {
    this.#heardAtMs = this.#clock.monotonicMs();
    this.#askedAtMs = undefined;
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #watch(): Promise<void> {
    const { statusIntervalMs, receiveTimeoutMs } = this.#options;
    const tickMs = Math.min(statusIntervalMs, receiveTimeoutMs / 4);
    for (;;) {
      try {
        await this.#clock.sleep(tickMs, this.#stopped.signal);
      } catch {
        return; // stopped
      }
      this.#tick();
    }
  }

  /**
   * Silence alone proves nothing: our own process may have been blocked while messages waited in the socket.
   * So the server is asked first, and dead only when the answer does not come either.
   */
  #tick(): void {
    const nowMs = this.#clock.monotonicMs();
    const { excused, sendStatus, onDead, receiveTimeoutMs, statusIntervalMs } = this.#options;
    if (excused()) this.heard();
    if (this.#askedAtMs !== undefined) {
      if (nowMs - this.#askedAtMs >= receiveTimeoutMs / 2) onDead();
    } else if (nowMs - this.#heardAtMs >= receiveTimeoutMs / 2) {
      this.#askedAtMs = nowMs;
      sendStatus(true);
      this.#reportedAtMs = nowMs;
      return;
    }
    if (nowMs - this.#reportedAtMs >= statusIntervalMs) {
      sendStatus(false);
      this.#reportedAtMs = nowMs;
    }
  }
}
