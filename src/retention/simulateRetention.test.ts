import { expect, test } from 'vitest';
import { largestStep, simulateRetention } from './simulateRetention.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const recommended = { daily: 30, weekly: 12, monthly: 12, yearly: 7 };
const sevenYears = { begin: new Date('2026-11-22T10:00:00Z'), end: new Date('2033-11-22T10:00:00Z') };

test('seven years of daily backups under the recommended policy', () => {
  const simulation = simulateRetention({
    policy: recommended,
    ...sevenYears,
    everyMs: dayMs,
    forgetEveryMs: dayMs,
  });
  const { backups, most, months, left } = simulation;
  expect(backups).toBe(2557);
  expect(months).toHaveLength(85);
  expect(left.length).toBe(months.at(-1)?.snapshots);
  expect(most).toBeLessThanOrEqual(30 + 12 + 12 + 7 + 1);
  const filledBy = (rule: string) =>
    left.filter(({ reasons }) => reasons.some((reason) => reason === `${rule} snapshot`));
  expect(filledBy('daily').map(({ ageMs }) => ageMs / dayMs)).toEqual(Array.from({ length: 30 }, (_, day) => day));
  expect(filledBy('weekly')).toHaveLength(12);
  expect(filledBy('monthly')).toHaveLength(12);
  expect(filledBy('yearly').map(({ time }) => time.toISOString().slice(0, 10))).toEqual([
    '2033-11-22',
    '2032-12-31',
    '2031-12-31',
    '2030-12-31',
    '2029-12-31',
    '2028-12-31',
    '2027-12-31',
  ]);
  expect(largestStep(left, 29 * dayMs)).toBe(dayMs);
  expect(largestStep(left, 70 * dayMs)).toBe(7 * dayMs);
  expect(largestStep(left, 300 * dayMs)).toBe(31 * dayMs);
  expect(largestStep(left, 5 * 365 * dayMs)).toBe(366 * dayMs);
  expect(largestStep(left, 10 * 365 * dayMs)).toBeUndefined();
});

test('hourly backups pile up until the next forget', () => {
  const simulation = simulateRetention({
    policy: { hourly: 24 },
    begin: new Date('2026-01-01T00:00:00Z'),
    end: new Date('2026-02-01T00:00:00Z'),
    everyMs: hourMs,
    forgetEveryMs: dayMs,
  });
  expect(simulation).toMatchObject({ backups: 31 * 24, most: 48, left: { length: 24 } });
});

test('seven years of hourly backups take a second or two', () => {
  const policy = { hourly: 48, ...recommended };
  const begin = process.cpuUsage();
  const { left } = simulateRetention({ policy, ...sevenYears, everyMs: hourMs, forgetEveryMs: dayMs });
  const { user } = process.cpuUsage(begin);
  expect(left.length).toBeGreaterThan(48 + 12 + 6);
  expect(user / 1e6).toBeLessThan(4); // on a busy machine
});
