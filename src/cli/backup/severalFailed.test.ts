import { expect, test } from 'vitest';
import { OperationError } from '../../base/errors.ts';
import { severalFailed } from './severalFailed.ts';

test('a source that was not backed up decides the status before one of which only something is missing', () => {
  const incomplete = new OperationError('incomplete', 'a file could not be read');
  const unreachable = new OperationError('postgres-unreachable', 'nobody answers');
  for (const failures of [
    [incomplete, unreachable],
    [unreachable, incomplete],
  ]) {
    expect(severalFailed(failures, 3)).toMatchObject({
      code: 'postgres-unreachable',
      message: '2 of 3 sources failed',
    });
  }
  const untested = new OperationError('verification-inconclusive', 'no room to restore it');
  expect(severalFailed([incomplete, untested], 2).code).toBe('verification-inconclusive');
  expect(severalFailed([untested, unreachable], 2).code).toBe('postgres-unreachable');
  expect(severalFailed([incomplete], 2)).toMatchObject({ code: 'incomplete', cause: incomplete });
  expect(severalFailed([incomplete, new TypeError('x')], 2)).toMatchObject({
    code: 'internal',
    detail: {
      failures: [
        { code: 'incomplete', message: 'a file could not be read' },
        { code: 'internal', message: 'x' },
      ],
    },
  });
});
