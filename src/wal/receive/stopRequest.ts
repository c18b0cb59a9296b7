import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';

/**
 * Tells "stop, but in order" from "stop now". An abort of the caller's signal asks for the first: receiving ends, and
 * what has arrived is still brought to safety, under a context of its own that aborts only when that takes too long.
 */
export class StopRequest implements Disposable {
  /** For the work that has to end well. */
  readonly work: Context;
  readonly #asked = new AbortController();
  readonly #cut = new AbortController();
  readonly #ended = new AbortController();
  readonly #ctx: Context;
  readonly #graceMs: number;
  readonly #onAbort = (): void => this.ask();
  #failure: { readonly error: unknown } | undefined;

  constructor(ctx: Context, graceMs: number) {
    this.#ctx = ctx;
    this.#graceMs = graceMs;
    this.work = { ...ctx, signal: this.#cut.signal };
    if (ctx.signal.aborted) this.ask();
    ctx.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Aborts when receiving is to end. */
  get signal(): AbortSignal {
    return this.#asked.signal;
  }

  /** Ends receiving. */
  ask(): void {
    if (this.#asked.signal.aborted) return;
    this.#asked.abort(new OperationError('interrupted', 'receiving WAL was stopped'));
    this.#ctx.clock.sleep(this.#graceMs, this.#ended.signal).then(
      () => this.#cut.abort(tooSlow()),
      () => undefined,
    );
  }

  /** Ends receiving because of an error, which `throwFailure` then throws; the first one counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.ask();
  }

  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  [Symbol.dispose](): void {
    this.#ctx.signal.removeEventListener('abort', this.#onAbort);
    this.#ended.abort();
  }
}

function tooSlow(): OperationError {
  return new OperationError('interrupted', 'receiving WAL was stopped before all of it was in the repository', {
    hint: 'what has arrived is in the spool: the next run stores it first',
  });
}
