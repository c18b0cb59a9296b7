import { expect, test } from 'vitest';
import type { EchoTask } from './fixture/echoKernel.ts';
import { WorkerPool, moduleUrl } from './workerPool.ts';

const module = moduleUrl('./fixture/echoKernel', import.meta);

function open(
  threads: number,
  signal = new AbortController().signal,
  onMessage: (message: never) => void = () => undefined,
) {
  return WorkerPool.open({ module, threads, init: { greeting: 'hello' }, signal, onMessage });
}

test.each([0, 3])('%i threads run tasks, count and send messages', async (threads) => {
  const heard: unknown[] = [];
  await using pool = await open(threads, undefined, (message) => heard.push(message));
  expect(pool.size).toBe(Math.max(1, threads));
  const all = await pool.runOnAll({ kind: 'echo', value: 7 } satisfies EchoTask);
  expect(all).toEqual(Array.from({ length: pool.size }, () => 7));
  expect(await Promise.all([1, 2, 3, 4, 5].map((value) => pool.runOnAny({ kind: 'echo', value })))).toEqual([
    1, 2, 3, 4, 5,
  ]);
  expect(pool.counter(0)).toBe(pool.size + 5);
  expect(heard).toEqual(Array.from({ length: pool.size + 5 }, () => ({ said: 'hello' })));
});

test('the failure that stopped the pool is reported, not that the other threads were stopped', async () => {
  await using pool = await open(3);
  const next = new Int32Array(new SharedArrayBuffer(8));
  const failing = pool.runOnAll({ kind: 'failOne', next } satisfies EchoTask);
  await expect(failing).rejects.toMatchObject({ code: 'destination-full', message: 'no space', hint: 'make some' });
});

test('an abort is seen by the threads', async () => {
  const aborting = new AbortController();
  await using pool = await open(1, aborting.signal);
  const running = pool.runOnAll({ kind: 'failOne', next: new Int32Array(new SharedArrayBuffer(8)) } satisfies EchoTask);
  aborting.abort();
  await expect(running).rejects.toMatchObject({ code: 'interrupted' });
});

test('a closed pool runs nothing, loudly', async () => {
  const pool = await open(0);
  await pool[Symbol.asyncDispose]();
  await expect(pool.runOnAll({ kind: 'echo', value: 1 })).rejects.toThrow('a pool that is closed runs nothing');
});
