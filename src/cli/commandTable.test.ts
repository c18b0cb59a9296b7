import { expect, test } from 'vitest';
import { commandTable, groups } from './commandTable.ts';
import { fastCommands } from './fastCommands.ts';
import { parseFast } from './fastPath.ts';
import { globalOptions } from './globalOptions.ts';
import { parseCommandLine } from './parse.ts';
import { optionNames, type OptionSpecs } from './spec.ts';

const camelCase = (long: string) => long.replace(/-(\w)/g, (_match, letter: string) => letter.toUpperCase());

function names(specs: OptionSpecs): string[] {
  return Object.values(specs).flatMap(({ flags }) => {
    const { short, long } = optionNames(flags);
    return short === undefined ? [`--${long}`] : [`--${long}`, `-${short}`];
  });
}

test('names are unique and every group has a text', () => {
  const all = commandTable.map(({ spec }) => spec.name);
  expect(new Set(all).size).toBe(all.length);
  const used = all.filter((name) => name.includes(' ')).map((name) => name.split(' ', 1)[0]);
  expect(new Set(used)).toEqual(new Set(Object.keys(groups)));
});

test.each(commandTable.map((registered) => [registered.spec.name, registered] as const))(
  '%s: options do not collide, keys say what the flags say, examples and code exist',
  async (name, { spec, load }) => {
    const all = [...names(spec.options), ...names(globalOptions), '-h', '--help', '-V', '--version'];
    expect(new Set(all).size).toBe(all.length);
    for (const [key, { flags }] of Object.entries({ ...spec.options, ...globalOptions })) {
      expect(camelCase(optionNames(flags).long)).toBe(key);
    }
    expect(spec.summary).not.toMatch(/\.$/);
    expect(spec.examples.length).toBeGreaterThan(0);
    for (const { command } of spec.examples) expect(command).toMatch(new RegExp(`^${name}( |$)`));
    expect((await load()).run).toBeTypeOf('function');
  },
);

test.each([
  ['version'],
  ['version', '--json', '-q'],
  ['version', '--no-color', '--retry-lock', '5m', '--repo=/r'],
  ['completion', 'bash', '-r', '/r', '--config', 'c'],
])('both parsers agree on %s %s', (...words) => {
  const full = parseCommandLine(words);
  if (!('registered' in full)) throw new Error('no command was parsed');
  const fast = parseFast(words, full.registered);
  expect(fast).toMatchObject({ arguments: full.arguments, options: full.options, global: full.global });
});

test.each([
  ['version', '--nonsense'],
  ['version', 'extra'],
  ['completion'],
  ['version', '--help'],
  ['version', '--repo'],
])('the fast parser leaves %s %s to the full one', (...words) => {
  const registered = commandTable.find(({ spec }) => spec.name === words[0])!;
  expect(parseFast(words, registered)).toBeUndefined();
});

test('fast commands are also in the table', () => {
  const all = commandTable.map(({ spec }) => spec.name);
  for (const name of Object.keys(fastCommands)) expect(all).toContain(name);
});
