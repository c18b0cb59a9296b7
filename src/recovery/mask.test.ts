import { expect, test } from 'vitest';
import { Secret } from '../base/secret.ts';
import { createMask } from './mask.ts';

test('a secret is masked whole, by line, and the password inside a URI as written and decoded', () => {
  const mask = createMask([new Secret('postgresql://u:p%40ss@h/d'), new Secret('first line\nsecond line')]);
  expect(mask.text('postgresql://u:p%40ss@h/d')).toBe('[redacted]');
  expect(mask.text('login with p@ss or p%40ss')).toBe('login with [redacted] or [redacted]');
  expect(mask.text('saw second line.')).toBe('saw [redacted].');
  expect(mask.value({ list: ['p@ss', 3], kept: 'u' })).toEqual({ list: ['[redacted]', 3], kept: 'u' });
});

test('what is too short is not masked, and nothing is masked without secrets', () => {
  expect(createMask([new Secret('ab')]).text('abc')).toBe('abc');
  expect(createMask([]).text('abc')).toBe('abc');
});
