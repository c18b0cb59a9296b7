import { expect, test } from 'vitest';
import { systemClock } from './clock.ts';
import { createContext } from './context.ts';
import { limitTime } from './limitTime.ts';

/** A clock whose one sleep ends when the test says so. */
function heldClock() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const sleeps: { readonly ms: number; readonly signal: AbortSignal | undefined }[] = [];
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
    sleeps.push({ ms, signal });
    return promise;
  };
  return { clock: { ...systemClock, sleep }, sleeps, wake: resolve };
}

test('the context aborts when the time is over, and says so', async () => {
  const { clock, sleeps, wake } = heldClock();
  using limited = limitTime(createContext({ clock }), 90_000);
  expect(sleeps).toMatchObject([{ ms: 90_000 }]);
  expect(limited.ctx.signal.aborted).toBe(false);
  wake();
  await Promise.resolve();
  expect(() => limited.ctx.signal.throwIfAborted()).toThrow('it took longer than 1 min 30 s');
});

test('the wait ends with the block, and the outer abort passes through', () => {
  const { clock, sleeps } = heldClock();
  const outer = new AbortController();
  const limited = limitTime(createContext({ clock, signal: outer.signal }), 1000);
  limited[Symbol.dispose]();
  expect(sleeps[0]?.signal?.aborted).toBe(true);
  expect(limited.ctx.signal.aborted).toBe(false);
  outer.abort(new Error('stop'));
  expect(() => limited.ctx.signal.throwIfAborted()).toThrow('stop');
});
