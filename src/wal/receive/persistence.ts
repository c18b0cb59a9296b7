import type { Context } from '../../base/context.ts';
import { isOperationError, type OperationError } from '../../base/errors.ts';

const firstPauseMs = 100;
const longestPauseMs = 5_000;

/** What does not work at the moment, by name; receiving goes on as far as it can meanwhile. */
export class Troubles {
  readonly #current = new Map<string, OperationError>();
  readonly #ctx: Context;

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /** The oldest one, if any. */
  get first(): OperationError | undefined {
    return this.#current.values().next().value;
  }

  set(name: string, error: OperationError): void {
    if (!this.#current.has(name)) {
      this.#ctx.log.warn({ what: name, code: error.code, error: error.message }, 'WAL cannot move on; trying again');
    }
    this.#current.set(name, error);
  }

  clear(name: string): void {
    if (this.#current.delete(name)) this.#ctx.log.info({ what: name }, 'WAL moves on again');
  }
}

export interface Persistence {
  /** What the trouble is with; one entry of `troubles`. */
  readonly name: string;
  readonly troubles: Troubles;
  /** Whether an error may pass by itself. */
  mayPass(error: unknown): boolean;
}

/** Repeats an attempt until it succeeds, for ever, with pauses that grow to five seconds. */
export async function persistently<T>(ctx: Context, attempt: () => Promise<T>, how: Persistence): Promise<T> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    try {
      const result = await attempt();
      how.troubles.clear(how.name);
      return result;
    } catch (error) {
      if (!isOperationError(error) || !how.mayPass(error)) throw error;
      how.troubles.set(how.name, error);
      await ctx.clock.sleep(pauseMs, ctx.signal);
    }
  }
}
