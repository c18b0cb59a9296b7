import type { Context } from '../../base/context.ts';
import type { Printer } from '../printer.ts';

/** Tells what happened, with the time since the story began in front. */
export class Story {
  readonly #ctx: Context;
  readonly #printer: Printer;
  readonly #beganMs: number;

  constructor(ctx: Context, printer: Printer) {
    this.#ctx = ctx;
    this.#printer = printer;
    this.#beganMs = ctx.clock.monotonicMs();
  }

  get elapsedMs(): number {
    return this.#ctx.clock.monotonicMs() - this.#beganMs;
  }

  tell(step: string, text: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const elapsedMs = Math.round(this.elapsedMs);
    const at = `${(elapsedMs / 1000).toFixed(1).padStart(6)} s`;
    this.#printer.result('demo', { step, elapsed_ms: elapsedMs, ...fields }, () => `${at}  ${text}`);
  }

  /** Runs something and returns its result with the milliseconds that it took. */
  async timed<T>(run: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
    const began = this.#ctx.clock.monotonicMs();
    const value = await run();
    return { value, ms: this.#ctx.clock.monotonicMs() - began };
  }
}
