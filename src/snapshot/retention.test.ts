import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseCalendarDuration } from './calendarDuration.ts';
import { snapshotFixture } from './fixture/snapshotFixture.ts';
import { planForget } from './forgetPlan.ts';
import { evaluateRetention, type RetentionItem, type RetentionResult } from './retention.ts';
import { countedRules, isEmptyPolicy, parseKeepCount, type RetentionPolicy } from './retentionPolicy.ts';
import { parseTimestamp, zeroTime } from './time.ts';

const now = new Date('2026-11-22T12:00:00Z');

/** An item whose id is its time. */
function item(time: string, ...tags: string[]): RetentionItem {
  return { id: time, time: parseTimestamp(time) ?? zeroTime, tags };
}

function days(...dates: string[]): RetentionItem[] {
  return dates.map((date) => item(`2026-${date}T06:00:00Z`));
}

function reasons(result: RetentionResult<RetentionItem>): Record<string, readonly string[]> {
  return Object.fromEntries(result.decisions.map((decision) => [decision.snapshot.id, decision.reasons]));
}

test('the newest of each of the last periods that have one', () => {
  const items = [...days('11-20', '11-21', '11-10'), item('2026-11-21T05:00:00Z'), item('2026-11-01T06:00:00Z')];
  expect(reasons(evaluateRetention(items, { daily: 3, keepOldest: false }, now))).toEqual({
    '2026-11-21T06:00:00Z': ['daily snapshot'],
    '2026-11-21T05:00:00Z': [],
    '2026-11-20T06:00:00Z': ['daily snapshot'],
    '2026-11-10T06:00:00Z': ['daily snapshot'],
    '2026-11-01T06:00:00Z': [],
  });
});

test('the oldest is kept too while a rule has room, unless switched off', () => {
  const items = days('11-21', '11-20', '11-19');
  expect(reasons(evaluateRetention(items, { yearly: 2, monthly: 1 }, now))).toEqual({
    '2026-11-21T06:00:00Z': ['monthly snapshot', 'yearly snapshot'],
    '2026-11-20T06:00:00Z': [],
    '2026-11-19T06:00:00Z': ['oldest yearly snapshot'],
  });
  const withoutOldest = evaluateRetention(items, { yearly: 2, keepOldest: false }, now);
  expect(withoutOldest.decisions.map(({ keep }) => keep)).toEqual([true, false, false]);
  const span = evaluateRetention(items, { withinYearly: parseCalendarDuration('1y') }, now);
  expect(span.decisions.at(-1)?.reasons).toEqual(['oldest yearly within 1y']);
});

test('unlimited keeps one of every period', () => {
  const items = days('11-21', '11-20', '01-01', '01-02');
  const result = evaluateRetention(items, { monthly: 'unlimited', keepOldest: false }, now);
  expect(result.decisions.filter(({ keep }) => keep).map(({ snapshot }) => snapshot.id.slice(5, 10))).toEqual([
    '11-21',
    '01-02',
  ]);
});

test('spans count from the newest that is not in the future, exclusively', () => {
  const items = [
    item('2027-05-01T00:00:00Z'),
    ...days('11-21', '11-20', '11-14'),
    item('2026-11-14T06:00:00.000000001Z'),
  ];
  expect(reasons(evaluateRetention(items, { within: parseCalendarDuration('7d') }, now))).toEqual({
    '2027-05-01T00:00:00Z': ['within 7d'],
    '2026-11-21T06:00:00Z': ['within 7d'],
    '2026-11-20T06:00:00Z': ['within 7d'],
    '2026-11-14T06:00:00.000000001Z': ['within 7d'],
    '2026-11-14T06:00:00Z': [],
  });
});

test('days are those of the offset in the snapshot', () => {
  const items = [item('2026-11-21T01:00:00+02:00'), item('2026-11-20T22:00:00Z')];
  const result = evaluateRetention(items, { daily: 5, keepOldest: false }, now);
  expect(result.decisions.map(({ keep }) => keep)).toEqual([true, true]);
  expect(result.rules[0]?.slots[0]).toEqual({ period: '2026-11-22', snapshotId: undefined, oldest: false });
});

test('tags keep without counting, protection keeps what no rule does, both still fill slots', () => {
  const items = [
    item('2026-11-21T10:00:00Z', 'critical'),
    item('2026-11-21T09:00:00Z', 'a', 'b'),
    item('2026-11-20T09:00:00Z', 'understudy:keep'),
    item('2026-11-19T09:00:00Z'),
  ];
  const policy: RetentionPolicy = { last: 1, tags: [['a', 'b'], ['']], keepOldest: false };
  expect(reasons(evaluateRetention(items, policy, now))).toEqual({
    '2026-11-21T10:00:00Z': ['last snapshot', 'protected by tag critical'],
    '2026-11-21T09:00:00Z': ['has tags [a, b]'],
    '2026-11-20T09:00:00Z': ['protected by tag understudy:keep'],
    '2026-11-19T09:00:00Z': ['has tags []'],
  });
  const own = evaluateRetention(items, { last: 1, protectedTags: ['b'], keepOldest: false }, now);
  expect(own.decisions.map(({ keep }) => keep)).toEqual([true, true, false, false]);
});

test('slots say what fills them, which are missing, and how many are open', () => {
  const { rules } = evaluateRetention(days('11-21', '11-19', '11-18'), { daily: 5, last: 5, monthly: 1 }, now);
  expect(
    rules.map(({ rule, open, slots }) => [
      rule,
      open,
      slots.map((slot) => [slot.period, slot.snapshotId?.slice(5, 10)]),
    ]),
  ).toEqual([
    [
      'last',
      2,
      [
        ['1', '11-21'],
        ['2', '11-19'],
        ['3', '11-18'],
      ],
    ],
    [
      'daily',
      2,
      [
        ['2026-11-22', undefined],
        ['2026-11-21', '11-21'],
        ['2026-11-20', undefined],
        ['2026-11-19', '11-19'],
        ['2026-11-18', '11-18'],
      ],
    ],
    ['monthly', 0, [['2026-11', '11-21']]],
  ]);
});

test('missing slots end where the span ends, and their number is bounded', () => {
  const span = evaluateRetention(days('11-21', '11-01'), { withinDaily: parseCalendarDuration('3d') }, now);
  expect(span.rules[0]?.slots.map(({ period }) => period.slice(8))).toEqual(['22', '21', '20', '19', '18']);
  expect(span.rules[0]?.open).toBeUndefined();
  const old = evaluateRetention([item('1970-01-01T00:00:00Z')], { hourly: 'unlimited' }, now);
  expect(old.rules[0]?.slots).toHaveLength(1001);
});

test('an empty policy is refused, an empty group is not', () => {
  expect(() => evaluateRetention(days('11-21'), { daily: 0, protectedTags: ['x'] }, now)).toThrow('keeps nothing');
  expect(evaluateRetention([], { daily: 1 }, now)).toEqual({ decisions: [], rules: [] });
  expect(isEmptyPolicy({ within: parseCalendarDuration('1h') })).toBe(false);
});

test('counts are read', () => {
  expect(['0', '12', '-1', 'unlimited'].map(parseKeepCount)).toEqual([0, 12, 'unlimited', 'unlimited']);
  expect(() => parseKeepCount('-2')).toThrow('is not a number of snapshots to keep');
});

test('forget works on each group and refuses to empty one', () => {
  const snapshots = ['db1', 'db1', 'db2', 'db2'].map((hostname, index) =>
    snapshotFixture({
      id: `${index}`.repeat(64),
      hostname,
      time: `2026-11-1${index}T00:00:00Z`,
      tags: index < 2 ? ['x'] : [],
    }),
  );
  const plan = planForget(snapshots, { policy: { last: 1 }, now });
  expect(plan.groups.map(({ key }) => key.hostname)).toEqual(['db1', 'db2']);
  expect([plan.keep, plan.remove].map((list) => list.map(({ id }) => id[0]))).toEqual([
    ['1', '3'],
    ['0', '2'],
  ]);
  const one = planForget(snapshots, { policy: { last: 1 }, groupBy: [], now });
  expect(one.keep.map(({ id }) => id[0])).toEqual(['3']);
  const tagged = { policy: { tags: [['x']] }, now };
  expect(() => planForget(snapshots, tagged)).toThrow('every snapshot of a group');
  expect(planForget(snapshots, { ...tagged, allowRemoveAll: true }).remove).toHaveLength(2);
});

const anyItems = fc
  .uniqueArray(fc.integer({ min: -2000, max: -1 }), { minLength: 1, maxLength: 25 })
  .map((hours) => hours.map((hour) => item(new Date(now.getTime() + hour * 7 * 3_600_000).toISOString())));
const count = fc.constantFrom(0, 1, 2, 5, 'unlimited' as const);
const anyPolicy = fc
  .record({
    last: count,
    hourly: count,
    daily: count,
    weekly: count,
    monthly: count,
    yearly: count,
    keepOldest: fc.boolean(),
  })
  .filter((policy) => !isEmptyPolicy(policy));

test('property: the newest stays, a further rule only adds, forgetting again forgets nothing', () => {
  const kept = (items: readonly RetentionItem[], policy: RetentionPolicy): RetentionItem[] =>
    evaluateRetention(items, policy, now)
      .decisions.filter(({ keep }) => keep)
      .map(({ snapshot }) => snapshot);
  const ruleNames = fc.constantFrom(...countedRules.map(({ name }) => name));
  fc.assert(
    fc.property(anyItems, anyPolicy, ruleNames, (items, policy, name) => {
      const first = kept(items, policy);
      expect(first[0]?.id).toBe(
        items
          .map(({ id }) => id)
          .toSorted()
          .at(-1),
      );
      expect(kept(first, policy)).toEqual(first);
      if (policy[name] === 0) expect(kept(items, { ...policy, [name]: 3 })).toEqual(expect.arrayContaining(first));
    }),
  );
});
