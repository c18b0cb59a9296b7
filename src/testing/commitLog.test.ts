import { expect, test } from 'vitest';
import { type CommitEntry, CommitLog, payloadOf } from './commitLog.ts';

/** Two transactions one after the other, then two that overlap, the last without an answer. */
function sampleLog(): CommitLog {
  const log = new CommitLog();
  const entries: CommitEntry[] = [
    { sequence: 1, client: 1, xid: 11n, lsnBefore: 100n, sentAtMs: 1000, lsnAfter: 150n, ackedAtMs: 1010 },
    { sequence: 2, client: 2, xid: 12n, lsnBefore: 200n, sentAtMs: 1020, lsnAfter: 250n, ackedAtMs: 1030 },
    { sequence: 3, client: 1, xid: 13n, lsnBefore: 240n, sentAtMs: 1028, lsnAfter: 300n, ackedAtMs: 1040 },
    { sequence: 4, client: 2, xid: 14n, lsnBefore: 290n, sentAtMs: 1035 },
  ];
  log.entries.push(...entries);
  return log;
}

test('a crash that loses nothing keeps every acknowledged row and may keep those in flight', () => {
  expect(sampleLog().expectedNow()).toEqual({ must: new Set([1, 2, 3]), may: new Set([4]) });
});

test('a time decides for all transactions but those being committed then', () => {
  const log = sampleLog();
  expect(log.expectedAtTime(new Date(1015))).toEqual({ must: new Set([1]), may: new Set() });
  expect(log.expectedAtTime(new Date(1029))).toEqual({ must: new Set([1]), may: new Set([2, 3]) });
});

test('an LSN and a transaction decide by position', () => {
  const log = sampleLog();
  expect(log.expectedAtLsn(199n)).toEqual({ must: new Set([1]), may: new Set() });
  expect(log.expectedAtLsn(260n)).toEqual({ must: new Set([1, 2]), may: new Set([3]) });
  expect(log.expectedAtXid(12n)).toEqual({ must: new Set([1, 2]), may: new Set([3]) });
  expect(log.expectedAtXid(12n, false)).toEqual({ must: new Set([1]), may: new Set([3]) });
  expect(() => log.expectedAtXid(14n)).toThrow('not in the log as committed');
});

test('loss counts from the oldest acknowledged row that is missing', () => {
  const log = sampleLog();
  expect(log.lossMs(new Set([1, 2, 3]), 2000)).toBe(0);
  expect(log.lossMs(new Set([1]), 2000)).toBe(970);
});

test('payloads differ by number and have the asked size', () => {
  expect(payloadOf(1, 150)).toHaveLength(150);
  expect(payloadOf(1, 64)).not.toBe(payloadOf(2, 64));
});
