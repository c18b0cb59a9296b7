import type { Clock } from '../../base/clock.ts';

/** How long the server may take to close its side of a connection. */
export const closeTimeoutMs = 2000;

/** Calls `onExpiry` after `ms`, unless it is disposed before. */
export function deadline(clock: Clock, ms: number, onExpiry: () => void): Disposable {
  const over = new AbortController();
  clock.sleep(ms, over.signal).then(onExpiry, () => undefined);
  return { [Symbol.dispose]: () => over.abort() };
}
