import { expect, test } from 'vitest';
import { Limit } from './limit.ts';

const never = new AbortController().signal;

function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

test('never more than the limit run, all run, in order', async () => {
  const limit = new Limit(3);
  const started: number[] = [];
  let active = 0;
  let most = 0;
  const tasks = Array.from({ length: 50 }, (_, index) =>
    limit.run(never, async () => {
      started.push(index);
      most = Math.max(most, ++active);
      await new Promise(setImmediate);
      active--;
      return index;
    }),
  );
  expect(await Promise.all(tasks)).toEqual(started);
  expect(started).toEqual(Array.from({ length: 50 }, (_, index) => index));
  expect(most).toBe(3);
});

test('a failed task gives its place back', async () => {
  const limit = new Limit(1);
  const failing = limit.run(never, () => Promise.reject(new Error('task failed')));
  await expect(failing).rejects.toThrow('task failed');
  expect(await limit.run(never, async () => 'next')).toBe('next');
});

test('an abort while waiting rejects, never runs the task, and leaves the line in order', async () => {
  const limit = new Limit(1);
  const first = gate();
  const controller = new AbortController();
  const ran: string[] = [];
  const running = limit.run(never, () => first.opened);
  const abandoned = limit.run(controller.signal, async () => void ran.push('abandoned'));
  const patient = limit.run(never, async () => void ran.push('patient'));
  const reason = new Error('stopped by the test');
  controller.abort(reason);
  await expect(abandoned).rejects.toBe(reason);
  first.open();
  await Promise.all([running, patient]);
  expect(ran).toEqual(['patient']);
  await expect(limit.run(controller.signal, async () => void ran.push('late'))).rejects.toBe(reason);
  expect(await limit.run(never, async () => 'free')).toBe('free');
});

test('many waiters on one signal are no leak that Node would warn of', async () => {
  const warnings: Error[] = [];
  const listen = (warning: Error): void => void warnings.push(warning);
  process.on('warning', listen);
  const limit = new Limit(1);
  const { signal } = new AbortController();
  await Promise.all(Array.from({ length: 100 }, () => limit.run(signal, () => new Promise(setImmediate))));
  process.off('warning', listen);
  expect(warnings).toEqual([]);
});
