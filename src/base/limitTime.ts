import type { Context } from './context.ts';
import { formatDuration } from './duration.ts';

export interface LimitedTime extends Disposable {
  /** Aborts with the outer one, and when the time is over. */
  readonly ctx: Context;
}

/** A context that lasts no longer than `limitMs`, nor than the block that disposes of it. */
export function limitTime(ctx: Context, limitMs: number): LimitedTime {
  const over = new AbortController();
  const ended = new AbortController();
  const giveUp = (): void => over.abort(new Error(`it took longer than ${formatDuration(limitMs)}`));
  const waiting = ctx.clock.sleep(limitMs, AbortSignal.any([ctx.signal, ended.signal]));
  waiting.then(giveUp, () => undefined); // it ended before
  return {
    ctx: { ...ctx, signal: AbortSignal.any([ctx.signal, over.signal]) },
    [Symbol.dispose]: () => ended.abort(),
  };
}
