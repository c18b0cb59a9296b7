import { expect, test } from 'vitest';
import { Secret } from '../base/secret.ts';
import { createMask } from './mask.ts';

test('a secret is masked whole, by line, and the password inside a URI as written and decoded', () => {
  const mask = createMask([new Secret('postgresql://u:p%40ss@h/d'), new Secret('first line\nsecond line')]);
  expect(mask.text('postgresql://u:p%40ss@h/d')).toBe('[redacted]');
  expect(mask.text('login with p@ss or p%40ss')).toBe('login with [redacted] or [redacted]');
  expect(mask.text('saw second line.')).toBe('saw [redacted].');
});

test('of an event only what programs and people said is masked', () => {
  const mask = createMask([new Secret('fail')]);
  const error = { code: 'step-failed', message: 'login fail', hint: 'fail?' };
  const attempt = { step: 'fail-over', attempt: 1, durationMs: 5, outputDigest: null };
  expect(mask.event({ type: 'step-failed', ...attempt, error, retryInMs: null })).toEqual({
    type: 'step-failed',
    ...attempt,
    retryInMs: null,
    error: { code: 'step-failed', message: 'login [redacted]', hint: '[redacted]?' },
  });
  const facts = { host: 'fail.example', rows: 3 };
  expect(mask.event({ type: 'step-succeeded', ...attempt, summary: 'no fail', facts })).toEqual({
    type: 'step-succeeded',
    ...attempt,
    summary: 'no [redacted]',
    facts: { host: '[redacted].example', rows: 3 },
  });
  const decision = { step: 'fail-over', decision: 'fail-1' };
  expect(mask.event({ type: 'step-skipped', ...decision, by: 'fail', reason: 'fail' })).toEqual({
    type: 'step-skipped',
    ...decision,
    by: '[redacted]',
    reason: '[redacted]',
  });
  expect(mask.event({ type: 'ended', verdict: 'failed' })).toEqual({ type: 'ended', verdict: 'failed' });
});

test('what is too short is not masked, and nothing is masked without secrets', () => {
  expect(createMask([new Secret('ab')]).text('abc')).toBe('abc');
  expect(createMask([]).text('abc')).toBe('abc');
});
