import { expect, test } from 'vitest';
import { OperationError, assert, isOperationError } from './errors.ts';

test('an operation error carries its table entry and is recognised by code', () => {
  const error = new OperationError('wrong-password', 'no key opens', { hint: 'is it the right repository?' });
  expect(error.entry.exit).toBe(12);
  expect(isOperationError(error, 'wrong-password')).toBe(true);
  expect(isOperationError(error, 'not-found')).toBe(false);
});

test('assert throws for what must be true', () => {
  expect(() => assert(false, 'rule')).toThrow('rule');
});
