import { expect, test } from 'vitest';
import type { Clock } from './clock.ts';
import { createContext } from './context.ts';
import { OperationError } from './errors.ts';
import { beginBackoff, retry, type RetryPolicy } from './retry.ts';

const policy: RetryPolicy = { firstDelayMs: 100, maxDelayMs: 1000, totalMs: 5000, random: () => 1 };
const transient = new OperationError('backend-unavailable', 'no answer');

/** A clock whose sleeps take no time, and the sleeps it was asked for. */
function sleepless(): { readonly clock: Clock; readonly sleepsMs: number[] } {
  const sleepsMs: number[] = [];
  const elapsedMs = (): number => sleepsMs.reduce((sum, ms) => sum + ms, 0);
  const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted();
    sleepsMs.push(ms);
  };
  return { sleepsMs, clock: { now: () => new Date(elapsedMs()), monotonicMs: elapsedMs, sleep } };
}

test('pauses double up to their maximum, and the last one ends when the time is up', async () => {
  const { clock, sleepsMs } = sleepless();
  let tries = 0;
  const failing = retry(beginBackoff(createContext({ clock }), policy), async () => {
    tries++;
    throw transient;
  });
  await expect(failing).rejects.toBe(transient);
  expect(sleepsMs).toEqual([100, 200, 400, 800, 1000, 1000, 1000, 500]);
  expect(tries).toBe(9);
});

test('jitter takes off at most half of a pause', async () => {
  const { clock, sleepsMs } = sleepless();
  const backoff = beginBackoff(createContext({ clock }), { ...policy, random: () => 0 });
  await backoff.wait(transient);
  await backoff.wait(transient);
  expect(sleepsMs).toEqual([50, 100]);
});

test('it ends with the first success, and the listener hears of each failure before it', async () => {
  const { clock } = sleepless();
  const heard: unknown[] = [];
  const backoff = beginBackoff(createContext({ clock }), policy, (error, delayMs) => void heard.push([error, delayMs]));
  let tries = 0;
  const result = await retry(backoff, async () => {
    if (++tries < 3) throw transient;
    return 'done';
  });
  expect(result).toBe('done');
  expect(heard).toEqual([
    [transient, 100],
    [transient, 200],
  ]);
});

test.each([
  new OperationError('backend-denied', 'refused'),
  new OperationError('object-missing', 'absent'),
  new TypeError('a bug'),
  Object.assign(new Error('socket'), { code: 'ECONNRESET' }),
])('%o is final', async (error) => {
  const { clock, sleepsMs } = sleepless();
  const failing = retry(beginBackoff(createContext({ clock }), policy), async () => {
    throw error;
  });
  await expect(failing).rejects.toBe(error);
  expect(sleepsMs).toEqual([]);
});

test('after abort there is no further try', async () => {
  const controller = new AbortController();
  const reason = new Error('stopped by the test');
  let tries = 0;
  const aborted = retry(beginBackoff(createContext({ signal: controller.signal }), policy), async () => {
    tries++;
    controller.abort(reason);
    throw transient;
  });
  await expect(aborted).rejects.toBe(reason);
  expect(tries).toBe(1);
});

test('an abort ends the pause', async () => {
  const controller = new AbortController();
  const reason = new Error('stopped by the test');
  const backoff = beginBackoff(createContext({ signal: controller.signal }), {
    ...policy,
    firstDelayMs: 1e6,
    totalMs: 1e9,
  });
  const pausing = backoff.wait(transient);
  controller.abort(reason);
  await expect(pausing).rejects.toBe(reason);
});
