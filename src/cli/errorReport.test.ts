import { expect, test } from 'vitest';
import { InvariantError, OperationError } from '../base/errors.ts';
import { errorReport, exitCodeOf } from './errorReport.ts';

const plain = { json: false, verbose: false };

test('an expected error is a line and a hint; --verbose adds the causes, never a stack', () => {
  const root = new Error('connect ECONNREFUSED\n10.0.0.1');
  const error = new OperationError('backend-unavailable', 'cannot reach\nthe backend', {
    hint: 'is it up?',
    cause: root,
  });
  expect(errorReport(error, plain)).toBe('understudy: cannot reach the backend\nhint: is it up?\n');
  expect(errorReport(error, { ...plain, verbose: true })).toBe(
    'understudy: cannot reach the backend\nhint: is it up?\ncode: backend-unavailable\ncaused by: connect ECONNREFUSED 10.0.0.1\n',
  );
});

test('our own bug is one line too, its stack only with --verbose', () => {
  for (const error of [new InvariantError('rule'), new TypeError('rule')]) {
    const report = errorReport(error, plain);
    expect(report).toMatch(/^understudy: internal error: rule\nhint: this is a bug/);
    expect(report).not.toContain('errorReport.test');
    expect(errorReport(error, { ...plain, verbose: true })).toContain('errorReport.test');
    expect(exitCodeOf(error)).toBe(70);
    expect(JSON.parse(errorReport(error, { json: true, verbose: false }))).toMatchObject({
      code: 'internal',
      exit: 70,
    });
  }
  expect(errorReport('thrown text', plain)).toContain('internal error: thrown text');
});

test('JSON has the code, the exit status and the detail', () => {
  const error = new OperationError('wrong-password', 'no', { detail: { lsn: 5n } });
  expect(JSON.parse(errorReport(error, { json: true, verbose: false }))).toEqual({
    message_type: 'error',
    code: 'wrong-password',
    message: 'no',
    exit: 12,
    detail: { lsn: '5' },
  });
});
