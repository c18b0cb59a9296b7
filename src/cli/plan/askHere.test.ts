import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { waitFor } from '../../testing/waitFor.ts';
import { askHere } from './askHere.ts';

/** A terminal at which the question is asked; `typed` is what follows each time that it is shown. */
function terminal(typed: string[] = []) {
  const input = new PassThrough();
  const output = Object.assign(new PassThrough(), { isTTY: true });
  output.on('data', (shown: Buffer) => {
    const next = shown.includes('[yes/no]') ? typed.shift() : undefined;
    if (next !== undefined) setImmediate(() => input.write(next));
  });
  const abort = new AbortController();
  let interrupts = 0;
  const answer = askHere('fine?', { input, output, signal: abort.signal, onInterrupt: () => interrupts++ });
  return { input, abort, answer, interrupts: () => interrupts };
}

test('yes and no are answers, and nothing else is', async () => {
  expect(await terminal(['yes\r']).answer).toBe('approve');
  expect(await terminal(['\r', 'maybe\r', ' No\r']).answer).toBe('decline');
});

test('a closed terminal has no answer', async () => {
  expect(await terminal(['\x04']).answer).toBe(undefined);
  const hungUp = terminal();
  hungUp.input.end();
  expect(await hungUp.answer).toBe(undefined);
});

test('Ctrl-C is handed on, and the question ends when nobody need answer it any more', async () => {
  const { abort, answer, interrupts } = terminal(['\x03']);
  await waitFor(() => interrupts() === 1, { what: 'the interrupt' });
  abort.abort(new Error('stopped'));
  expect(await answer).toBe(undefined);
});
