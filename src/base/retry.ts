import type { Context } from './context.ts';
import { isOperationError } from './errors.ts';

export interface RetryPolicy {
  /** Pause before the second try; each further pause is twice as long. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** Time from the first failure on after which an error is final. */
  readonly totalMs: number;
  /** Uniform in [0, 1), for the jitter; default `Math.random`. */
  readonly random?: () => number;
}

export interface Backoff {
  /**
   * Waits before the next try, or throws: the error itself when trying again is of no use, the abort's reason when
   * aborted.
   */
  wait(error: unknown): Promise<void>;
}

/** Told of each failure that is going to be retried, before the pause. */
export type RetryListener = (error: unknown, delayMs: number) => void;

/**
 * Begins a series of tries of one operation. Whether an error is worth another try is decided by the `retry` column of
 * the table of error codes and by nothing else. Pauses are 50 to 100 percent of their nominal length, and the last one
 * is cut so that the last try happens when the total time is up.
 */
export function beginBackoff(ctx: Context, policy: RetryPolicy, listener: RetryListener = () => undefined): Backoff {
  const random = policy.random ?? Math.random;
  let end: number | undefined;
  let nominalMs = policy.firstDelayMs;
  return {
    wait: async (error) => {
      ctx.signal.throwIfAborted();
      end ??= ctx.clock.monotonicMs() + policy.totalMs;
      const remainingMs = end - ctx.clock.monotonicMs();
      if (!isTransient(error) || remainingMs <= 0) throw error;
      const delayMs = Math.min(remainingMs, nominalMs * (0.5 + random() / 2));
      nominalMs = Math.min(policy.maxDelayMs, nominalMs * 2);
      listener(error, delayMs);
      await ctx.clock.sleep(delayMs, ctx.signal);
    },
  };
}

/** Runs `attempt` until it succeeds or `beginBackoff` gives up. */
export async function retry<T>(backoff: Backoff, attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      await backoff.wait(error);
    }
  }
}

function isTransient(error: unknown): boolean {
  return isOperationError(error) && error.entry.retry === 'transient';
}
