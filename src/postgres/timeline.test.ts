import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLsn, toLsn } from './lsn.ts';
import {
  ancestryContains,
  commonAncestor,
  formatTimelineHistory,
  parseTimelineHistory,
  parseTimelineId,
  timelineAncestry,
  timelineAt,
  timelineHistoryFileName,
  toTimelineId,
  type TimelineSwitch,
} from './timeline.ts';

const t = toTimelineId;
const reason = 'no recovery target specified';

/** A valid history of any timeline: parents rise, switch points fall wherever they like. */
const history = fc
  .uniqueArray(fc.integer({ min: 1, max: 0xffff_fffe }), { maxLength: 6 })
  .chain((parents) =>
    fc.record({
      parents: fc.constant(parents.toSorted((a, b) => a - b)),
      points: fc.array(fc.bigInt(1n, 40n), { minLength: parents.length, maxLength: parents.length }),
    }),
  )
  .map(({ parents, points }) => ({
    timeline: t((parents.at(-1) ?? 0) + 1),
    switches: parents.map((parent, i): TimelineSwitch => ({
      parent: t(parent),
      switchPoint: toLsn(points[i] as bigint),
      reason,
    })),
  }));

test('names and numbers of timelines', () => {
  expect(timelineHistoryFileName(t(10))).toBe('0000000A.history');
  expect(parseTimelineId('10')).toBe(10);
  expect(parseTimelineId('0x0000000A')).toBe(10);
  for (const text of ['', '0', '-1', '4294967296', 'A', 'latest', '1.5']) {
    expect(() => parseTimelineId(text)).toThrow(expect.objectContaining({ code: 'usage' }));
  }
});

test('a history survives text', () => {
  fc.assert(
    fc.property(history, ({ timeline, switches }) => {
      expect(parseTimelineHistory(timeline, formatTimelineHistory(switches))).toEqual(switches);
    }),
  );
});

test('comments, blank lines and odd spacing are skipped as PostgreSQL does', () => {
  const text = '# written by hand\n\n  1\t0/3000000\tbefore 2020-01-01 00:00:00+00\n\n2 0/5000000\n';
  expect(parseTimelineHistory(t(3), text)).toEqual([
    { parent: 1, switchPoint: 0x3000000n, reason: 'before 2020-01-01 00:00:00+00' },
    { parent: 2, switchPoint: 0x5000000n, reason: '' },
  ]);
});

test.each([
  ['no number', 'one\t0/3000000\tx\n'],
  ['no position', '1\n'],
  ['a broken position', '1\t0-3000000\tx\n'],
  ['timelines that do not rise', '2\t0/3000000\tx\n1\t0/4000000\tx\n'],
  ['a parent younger than the child', '5\t0/3000000\tx\n'],
  ['timeline 0', '0\t0/3000000\tx\n'],
])('refuses %s', (_, text) => {
  expect(() => parseTimelineHistory(t(4), text)).toThrow(
    expect.objectContaining({ code: 'wal-invalid', hint: expect.any(String) }),
  );
});

test('an ancestry is contiguous, starts at 0/0, ends open and agrees with the newest timeline that has begun', () => {
  fc.assert(
    fc.property(history, fc.bigInt(0n, 60n), ({ timeline, switches }, point) => {
      const ancestry = timelineAncestry(timeline, switches);
      expect(ancestry[0].begin).toBe(0n);
      expect(ancestry.at(-1)).toMatchObject({ timeline, end: undefined });
      for (const [i, span] of ancestry.entries()) {
        expect(span.end).toBe(ancestry[i + 1]?.begin);
        expect(span.end === undefined || span.end > span.begin).toBe(true);
      }
      // PostgreSQL's own search: newest entry first, begin <= point < end
      const raw = [...switches.map((entry) => entry.parent), timeline].map((id, i) => ({
        id,
        begin: switches[i - 1]?.switchPoint ?? 0n,
        end: switches[i]?.switchPoint ?? 100n,
      }));
      const found = raw.findLast((entry) => entry.begin <= point && point < entry.end);
      expect(timelineAt(ancestry, toLsn(point)).timeline).toBe(found?.id);
    }),
  );
});

test('a recovery that stopped before the timeline it aimed at began takes nothing from that timeline', () => {
  const switches = parseTimelineHistory(t(3), '1\t0/5000000\tx\n2\t0/3000000\tbefore ...\n');
  expect(timelineAncestry(t(3), switches)).toEqual([
    { timeline: 1, begin: 0n, end: 0x3000000n },
    { timeline: 3, begin: 0x3000000n, end: undefined },
  ]);
});

test('the past of a branch ends at its switch point', () => {
  const ancestry = timelineAncestry(t(2), parseTimelineHistory(t(2), `1\t0/3000000\t${reason}\n`));
  expect(ancestryContains(ancestry, t(1), parseLsn('0/3000000'))).toBe(true);
  expect(ancestryContains(ancestry, t(1), parseLsn('0/3000001'))).toBe(false);
  expect(ancestryContains(ancestry, t(2), parseLsn('0/2FFFFFF'))).toBe(false);
  expect(ancestryContains(ancestry, t(2), parseLsn('F/0'))).toBe(true);
  expect(ancestryContains(ancestry, t(3), parseLsn('F/0'))).toBe(false);
});

test('branches part where the earlier one left', () => {
  const root = timelineAncestry(t(1), []);
  const early = timelineAncestry(t(2), parseTimelineHistory(t(2), '1\t0/3000000\tx\n'));
  const late = timelineAncestry(t(3), parseTimelineHistory(t(3), '1\t0/7000000\tx\n'));
  const grandchild = timelineAncestry(t(4), parseTimelineHistory(t(4), '1\t0/3000000\tx\n2\t0/9000000\tx\n'));
  expect(commonAncestor(early, late)).toEqual({ timeline: 1, until: 0x3000000n });
  expect(commonAncestor(root, late)).toEqual({ timeline: 1, until: 0x7000000n });
  expect(commonAncestor(early, grandchild)).toEqual({ timeline: 2, until: 0x9000000n });
  expect(commonAncestor(root, root)).toEqual({ timeline: 1, until: undefined });
  expect(commonAncestor(root, timelineAncestry(t(9), []))).toBeUndefined();
});
