import { expect, test } from 'vitest';
import type { StoredEvidence } from '../../recovery/evidenceStore.ts';
import { chooseEvidence } from './chooseEvidence.ts';

const now = new Date('2027-02-02T08:00:00Z');

function evidence(begunAt: string, plan = 'a', type: 'drill' | 'recovery' = 'drill'): StoredEvidence {
  return {
    evidence: { report: { type }, timeline: { begunAt }, authority: { plan: { name: plan } } },
  } as StoredEvidence;
}

const all = [
  evidence('2026-10-05T10:00:00.000Z'),
  evidence('2026-12-31T23:59:59.999Z', 'b'),
  evidence('2027-01-01T00:00:00.000Z', 'a', 'recovery'),
];

function missed(from: string | undefined, to: string | undefined, plan?: string): readonly string[] {
  return chooseEvidence(all, { from, to, plan }, now).missed;
}

test('a month is missed when it is over and held no drill at all, also outside of the days that are asked for', () => {
  expect(missed(undefined, undefined)).toEqual(['2026-11', '2027-01']);
  expect(missed(undefined, undefined, 'a')).toEqual(['2026-11', '2026-12', '2027-01']);
  expect(missed('2026-10-10', '2026-11-30')).toEqual(['2026-11']);
  expect(missed('2026-12-01', '2026-12-15')).toEqual([]);
  expect(missed('2027-02-01', '2027-12-31')).toEqual([]);
  expect(missed(undefined, '2026-09-30')).toEqual([]);
});

test('the last moment of a year belongs to it', () => {
  const chosen = (from: string, to: string) => chooseEvidence(all, { from, to, plan: undefined }, now).chosen;
  expect(chosen('2026-01-01', '2026-12-31')).toEqual(all.slice(0, 2));
  expect(chosen('2027-01-01', '2027-12-31')).toEqual(all.slice(2));
});
