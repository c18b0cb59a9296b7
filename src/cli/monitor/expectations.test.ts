import { expect, test } from 'vitest';
import { parseConfig } from '../../config/loadConfig.ts';
import { defaultObjectives } from '../../monitor/objectives.ts';
import { objectivesOfConfig } from './expectations.ts';

const hourMs = 3_600_000;

function objectives(sources: string) {
  const tiers = 'tiers: { critical: { rpo: 1h, rto: 2h }, daily: { rpo: 24h, rto: 4h } }';
  return objectivesOfConfig(parseConfig(`sources: ${sources}\n${tiers}\n`, '/etc/understudy.yaml'));
}

test('nothing configured expects nothing, and leaves what is found to the defaults', () => {
  expect(objectives('{}')).toBeUndefined();
});

test('every kind has an age and an interval; databases a smallest size', () => {
  const expected = objectives(`
  database: { kind: postgres }
  app: { kind: files, paths: [/srv], monitor: { maxAge: 8d, minSize: 5MiB, verifyEvery: 90d } }
  config: { kind: files, paths: [/etc] }`);
  expect(expected?.get('database')).toEqual(defaultObjectives('postgres')); // as without any configuration
  expect(expected?.get('app')).toMatchObject({
    maxAgeMs: 192 * hourMs,
    minSizeBytes: 5 * 2 ** 20,
    verifyEveryMs: 90 * 24 * hourMs,
  });
  expect(expected?.get('config')).toMatchObject({ minSizeBytes: undefined });
});

test('a dump beside base backups of the same server in its tier leaves the recovery point to them', () => {
  const rpo = (dump: string): number | undefined =>
    objectives(`
  database: { kind: postgres, tier: critical, connection: { host: db1 } }
  dump: { kind: dump, ${dump} }`)?.get('dump')?.tier?.rpoMs;
  expect(rpo('tier: critical, connection: { host: db1, database: app }')).toBeUndefined();
  expect(rpo('tier: critical, connection: { host: db2 }')).toBe(hourMs);
  expect(rpo('tier: critical, connection: { host: db1, port: 5433 }')).toBe(hourMs);
  expect(rpo('tier: daily, connection: { host: db1 }')).toBe(24 * hourMs);
});
