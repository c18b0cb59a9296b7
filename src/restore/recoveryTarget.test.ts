import { describe, expect, test } from 'vitest';
import { checkRequest, describeTarget, parseRecoveryTarget, type RecoveryRequest } from './recoveryTarget.ts';

describe('a time', () => {
  test.each([
    ['2026-11-21 10:42:00+01', '2026-11-21 09:42:00+00'],
    ['2026-11-21T10:42:00.5-03:30', '2026-11-21 14:12:00.5+00'],
    ['2026-11-21T10:42:00.1234569Z', '2026-11-21 10:42:00.123456+00'],
    ['2026-11-21 10:42 UTC', '2026-11-21 10:42:00+00'],
    [' 2026-01-01 00:15:00+0545 ', '2025-12-31 18:30:00+00'],
    ['1969-12-31 23:59:59.999999z', '1969-12-31 23:59:59.999999+00'],
  ])('%s is %s', (time, expected) => {
    expect(parseRecoveryTarget({ time })).toEqual({ kind: 'time', time: expected });
  });

  test.each([
    ['2026-11-21 10:42:00', 'it has no time zone'],
    ['2026-11-21 10:42:00 Europe/Berlin', `'Europe/Berlin' is no UTC offset`],
    ['2026-11-21 10:42:00 CET', `'CET' is no UTC offset`],
    ['2026-02-30 10:42:00Z', 'there is no such date or time'],
    ['2026-11-21 25:00:00Z', 'there is no such date or time'],
    ['2026-11-21 10:42:00+16', 'there is no UTC offset +16'],
    ['2026-11-21 10:42:00+01:75', 'there is no UTC offset +01:75'],
    ['2026-11-21', 'it is no date with a time'],
    ['yesterday', 'it is no date with a time'],
  ])('%s is refused: %s', (time, problem) => {
    expect(() => parseRecoveryTarget({ time })).toThrow(
      expect.objectContaining({
        code: 'target-invalid',
        message: expect.stringContaining(problem),
        hint: expect.stringContaining('2026-11-21 10:42:00+01:00'),
      }),
    );
  });
});

test('the other targets', () => {
  expect(parseRecoveryTarget({})).toEqual({ kind: 'latest' });
  expect(parseRecoveryTarget({ immediate: true, time: undefined })).toEqual({ kind: 'immediate' });
  expect(parseRecoveryTarget({ lsn: '16/b374d848', immediate: false })).toEqual({ kind: 'lsn', lsn: 0x16b374d848n });
  expect(parseRecoveryTarget({ xid: '12345678901' })).toEqual({ kind: 'xid', xid: 12345678901n });
  expect(parseRecoveryTarget({ name: `vor 'allem' ü` })).toEqual({ kind: 'name', name: `vor 'allem' ü` });
});

test.each([
  [{ lsn: '16B374D848' }],
  [{ lsn: '0/0' }],
  [{ xid: '2' }],
  [{ xid: '-5' }],
  [{ xid: '18446744073709551616' }],
  [{ name: '' }],
  [{ name: 'ü'.repeat(32) }],
  [{ name: 'two\nlines' }],
  [{ time: '2026-11-21 10:42:00Z', lsn: '0/1' }],
  [{ immediate: true, name: 'x' }],
])('%o is refused', (words) => {
  expect(() => parseRecoveryTarget(words)).toThrow(expect.objectContaining({ code: 'target-invalid' }));
});

test('what does not fit together is refused', () => {
  const request: RecoveryRequest = {
    target: { kind: 'latest' },
    timeline: 'latest',
    inclusive: true,
    action: 'promote',
  };
  const point = { kind: 'name', name: 'x' } as const;
  expect(() => checkRequest(request, false)).not.toThrow();
  expect(() => checkRequest(request, true)).not.toThrow();
  const refused: [Partial<RecoveryRequest>, boolean][] = [
    [{ inclusive: false }, false],
    [{ inclusive: false, target: point }, false],
    [{ target: point }, true],
    [{ action: 'pause' }, true],
  ];
  for (const [change, standby] of refused) {
    const check = () => checkRequest({ ...request, ...change }, standby);
    expect(check).toThrow(expect.objectContaining({ code: 'target-invalid' }));
  }
});

test('targets in words', () => {
  expect(describeTarget({ kind: 'lsn', lsn: 0x16b374d848n as never }, false)).toBe('just before LSN 16/B374D848');
  expect(describeTarget({ kind: 'xid', xid: 7n })).toBe('after transaction 7');
  expect(describeTarget({ kind: 'time', time: '2026-11-21 09:42:00+00' })).toBe('2026-11-21 09:42:00+00');
});
