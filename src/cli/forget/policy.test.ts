import { expect, test } from 'vitest';
import { parseConfig } from '../../config/loadConfig.ts';
import { parseCommandLine } from '../parse.ts';
import type { OptionValues } from '../spec.ts';
import type { keepFlags } from '../specs/forget.ts';
import { policyOfConfig, policyOfFlags, sourcePoliciesOfConfig, walPolicy } from './policy.ts';

function flags(...words: readonly string[]) {
  const parsed = parseCommandLine(['forget', ...words]);
  if (!('registered' in parsed)) throw new Error('no command was parsed');
  return policyOfFlags(parsed.options as OptionValues<typeof keepFlags>);
}

function config(retention: string) {
  return policyOfConfig(parseConfig(`retention: {${retention}}`, '/etc/understudy/understudy.yaml'));
}

test.each([
  ['last', '3', 3],
  ['hourly', '24', 24],
  ['daily', '7', 7],
  ['weekly', '4', 4],
  ['monthly', '12', 12],
  ['yearly', 'unlimited', 'unlimited'],
])('keep %s: the same by flag and by configuration', (rule, text, kept) => {
  expect(flags(`--keep-${rule}`, text)).toEqual({ [rule]: kept });
  const key = `keep${rule[0]!.toUpperCase()}${rule.slice(1)}`;
  expect(config(`${key}: ${text}`)).toMatchObject({ [rule]: kept });
});

test.each(['', 'Hourly', 'Daily', 'Weekly', 'Monthly', 'Yearly'])('keep within %s, likewise', (unit) => {
  const flag = unit === '' ? '--keep-within' : `--keep-within-${unit.toLowerCase()}`;
  const expected = { [`within${unit}`]: { years: 1, months: 2, days: 3, hours: 4 } };
  expect(flags(flag, '1y2m3d4h')).toEqual(expected);
  expect(config(`keepWithin${unit}: 1y2m3d4h`)).toMatchObject(expected);
});

test('tags are lists of lists, and no rule at all is no policy', () => {
  expect(flags('--keep-tag', 'a,b', '--keep-tag', 'c')).toEqual({ tags: [['a', 'b'], ['c']] });
  expect(config('keepTags: ["a,b", c]')).toMatchObject({ tags: [['a', 'b'], ['c']] });
  expect(flags()).toBeUndefined();
  expect(config('keepDaily: 0')).toBeUndefined();
});

test('the rules of a source replace the common ones; tags and window come from there unless it has its own', () => {
  const parsed = parseConfig(
    `
sources:
  main: { kind: postgres }
  logs: { kind: postgres, retention: { keepWithin: 90d } }
  tagged: { kind: postgres, retention: { keepTags: [b], recoveryWindow: 3d } }
retention: { keepDaily: 30, keepTags: [a], recoveryWindow: 14d }
`,
    '/etc/understudy/understudy.yaml',
  );
  expect(sourcePoliciesOfConfig(parsed)).toEqual(
    new Map([
      ['logs', { within: { years: 0, months: 0, days: 90, hours: 0 }, tags: [['a']] }],
      ['tagged', { daily: 30, tags: [['b']] }],
    ]),
  );
  const dayMs = 86_400_000;
  expect(walPolicy(parsed, undefined)).toEqual({
    windowMs: 14 * dayMs,
    sourceWindowsMs: new Map([['tagged', 3 * dayMs]]),
  });
  expect(walPolicy(parsed, dayMs)).toEqual({ windowMs: dayMs });
});
