import { expect, test } from 'vitest';
import { choice, count, duration, list, optionNames, size, withDefault, type OptionSpec } from './spec.ts';

function read<Value>(option: OptionSpec<Value>, ...texts: readonly string[]): Value {
  return texts.reduce((previous, value) => option.read!(value, previous), option.initial);
}

test('values are typed', () => {
  expect(read(count('--n <n>', ''), '12')).toBe(12);
  expect(read(duration('--d <d>', ''), '1h30m')).toBe(5_400_000);
  expect(read(size('--s <s>', ''), '4MiB')).toBe(4_194_304);
  expect(read(list('--tag <tag>', ''), 'a', 'b')).toEqual(['a', 'b']);
  const colour = choice({ flags: '--c <c>', description: '', words: ['red', 'blue'] });
  expect(read(colour, 'blue')).toBe('blue');
  expect(withDefault(colour, 'red').initial).toBe('red');
});

test.each([
  [count('--keep-last <n>', ''), '-1'],
  [count('--keep-last <n>', ''), '1.5'],
  [duration('--keep-last <d>', ''), '5'],
  [size('--keep-last <s>', ''), 'big'],
  [choice({ flags: '--keep-last <c>', description: '', words: ['red'] }), 'blue'],
  [withDefault(count('--keep-last <n>', ''), 3), 'x'],
])('a wrong value is a usage error that names the option', (option, text) => {
  expect(() => (option as OptionSpec).read!(text, undefined)).toThrow(
    expect.objectContaining({ code: 'usage', message: expect.stringContaining('--keep-last: expected') }),
  );
});

test('flags are taken apart', () => {
  expect(optionNames('-r, --repo <location>')).toEqual({ short: 'r', long: 'repo', valueName: 'location' });
  expect(optionNames('--no-color')).toEqual({ short: undefined, long: 'no-color', valueName: undefined });
  expect(() => optionNames('-r --repo')).toThrow(TypeError);
});
