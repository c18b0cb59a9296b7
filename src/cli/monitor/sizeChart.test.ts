import { expect, test } from 'vitest';
import type { BackupFacts } from '../../monitor/facts.ts';
import { chartMarks, sizeChart } from './sizeChart.ts';

const now = new Date('2026-11-22T12:00:00');

/** Sizes by day before now, newest first. */
function backups(...sizes: readonly (readonly [daysAgo: number, sizeBytes: number | undefined])[]): BackupFacts[] {
  return sizes.map(([daysAgo, sizeBytes]) => {
    const time = new Date(now);
    time.setDate(time.getDate() - daysAgo);
    return { id: 'a', time, sizeBytes, flaw: undefined };
  });
}

function chart(made: readonly BackupFacts[], environment: Record<string, string> = { LANG: 'en_US.UTF-8' }): string {
  return sizeChart(made, { days: 7, now, marks: chartMarks(environment) });
}

test('a mark a day, the oldest first, against the largest', () => {
  expect(chart(backups([0, 100], [1, 50], [2, 1], [6, 80]))).toBe('▇···▁▅█');
  expect(chart([])).toBe('·······');
  expect(chart(backups([0, 0]))).toBe('······▁');
});

test('of several on one day the newest counts; one whose size is unknown, or older than the days, is none', () => {
  expect(chart(backups([0, 10], [0, 1000], [1, undefined], [2, 10], [7, 10_000]))).toBe('····█·█');
});

test('plain letters where the locale is none of UTF-8, as in cron', () => {
  const made = backups([0, 100], [1, 50], [2, 1]);
  for (const environment of [
    {},
    { LANG: 'C' },
    { LANG: 'de_DE.UTF-8', LC_ALL: 'POSIX' },
    { LANG: '', LC_CTYPE: 'C' },
  ]) {
    expect(chart(made, environment)).toBe('...._=#'.padStart(7, '.'));
  }
  expect(chart(made, { LC_ALL: '', LANG: 'C.utf8' })).toBe('····▁▅█');
});
