import { expect, test } from 'vitest';
import { systemClock } from './clock.ts';

test('a sleep longer than a timer can be does not end at once', async () => {
  const over = new AbortController();
  const sleeping = systemClock.sleep(2 ** 31, over.signal);
  sleeping.catch(() => undefined);
  await systemClock.sleep(20);
  over.abort(new Error('awake'));
  await expect(sleeping).rejects.toThrow('awake');
});
