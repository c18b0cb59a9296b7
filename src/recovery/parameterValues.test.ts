import { expect, test } from 'vitest';
import { chooseValues } from './parameterValues.ts';
import type { ParameterSpec } from './planDocument.ts';

function parameter(parts: Partial<ParameterSpec> = {}): ParameterSpec {
  return { description: 'what it means', secret: false, ...parts };
}

function choose(parameters: Record<string, ParameterSpec>, given: Record<string, string> = {}, environment = {}) {
  return chooseValues(parameters, { given: new Map(Object.entries(given)), environment });
}

test('a value is the given one, else that of the variable, else the default, and has the type of the default', () => {
  const parameters = { place: parameter({ default: '/srv', environment: 'PLACE' }), port: parameter({ default: 1 }) };
  expect([...choose(parameters).values]).toEqual([
    ['place', '/srv'],
    ['port', 1],
  ]);
  expect(choose(parameters, {}, { PLACE: '/var' }).values.get('place')).toBe('/var');
  expect(choose(parameters, { place: '/x', port: '99' }, { PLACE: '/var' }).values).toEqual(
    new Map<string, unknown>([
      ['place', '/x'],
      ['port', 99],
    ]),
  );
  expect(choose({ full: parameter({ default: false }) }, { full: 'true' }).values.get('full')).toBe(true);
});

test('a secret comes from its variable and nowhere else', () => {
  const parameters = { dsn: parameter({ secret: true, environment: 'DSN' }) };
  const { values, secrets } = choose(parameters, {}, { DSN: 'x' });
  expect(values.size).toBe(0);
  expect(secrets.get('dsn')?.reveal()).toBe('x');
  expect(() => choose(parameters)).toThrow('the plan needs the secret "dsn"');
  expect(() => choose(parameters, { dsn: 'x' })).toThrow('"dsn" is secret and cannot be given here');
});

test.each([
  [{ place: parameter() }, {}, 'the plan needs "place": what it means'],
  [{ place: parameter() }, { plaec: 'x' }, 'the plan has no parameter "plaec"'],
  [{ port: parameter({ example: 1 }) }, { port: 'x' }, '"port": expected a number, found "x"'],
  [{ full: parameter({ default: true }) }, { full: '1' }, '"full": expected true or false, found "1"'],
])('a value that is wrong or missing is refused: %#', (parameters, given, message) => {
  expect(() => choose(parameters as Record<string, ParameterSpec>, given as Record<string, string>)).toThrow(
    expect.objectContaining({ code: 'plan-invalid', message }),
  );
});
