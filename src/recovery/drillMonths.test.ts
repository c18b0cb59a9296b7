import { expect, test } from 'vitest';
import { missedMonths } from './drillMonths.ts';

test('months without a test are missed, over the end of a year', () => {
  const span = { from: '2025-11-30T00:00:00Z', to: '2026-03-01T00:00:00Z' };
  expect(missedMonths(['2025-11-30T00:00:00Z', '2026-01-15T00:00:00Z'], span)).toEqual([
    '2025-12',
    '2026-02',
    '2026-03',
  ]);
});
