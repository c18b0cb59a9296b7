import { expect, test } from 'vitest';
import { options } from '../config/options.ts';
import { register } from './command.ts';
import { commandTable, groups } from './commandTable.ts';
import { fastCommands } from './fastCommands.ts';
import { parseFast } from './fastPath.ts';
import { globalOptions } from './globalOptions.ts';
import { parseCommandLine } from './parse.ts';
import { flag, list, optionNames, text, withDefault, count, type CommandSpec, type OptionSpecs } from './spec.ts';

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
  const firstWords = all.filter((name) => name.includes(' ')).map((name) => name.split(' ', 1)[0]!);
  const used = firstWords.filter((word) => !all.includes(word));
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

test('flags that the configuration names are options of every command', () => {
  const known = names(globalOptions);
  for (const option of Object.values(options)) if ('flag' in option) expect(known).toContain(option.flag);
});

const groupSpecs: CommandSpec[] = [
  {
    name: 'key add',
    summary: 'Add a key',
    arguments: [{ name: 'hosts', description: '', count: 'many' }],
    options: {
      tag: list('--tag <tag>', ''),
      times: withDefault(count('--times <n>', ''), 3),
      noCheck: flag('--no-check', ''),
    },
    examples: [],
  },
];
const grouped = {
  table: groupSpecs.map((spec) => register(spec, async () => ({ run: async () => undefined }))),
  groups: { key: 'Keys of the repository' },
};

test('a command of a group: repeated options, defaults, switches, any number of arguments', () => {
  const words = ['--json', 'key', 'add', 'a', '--tag', 'x', 'b', '--tag=y', '--no-check', '-q'];
  expect(parseCommandLine(words, grouped)).toMatchObject({
    arguments: ['a', 'b'],
    options: { tag: ['x', 'y'], times: 3, noCheck: true },
    global: { json: true, quiet: true, verbose: false },
  });
  expect(parseCommandLine(['key', 'add'], grouped)).toMatchObject({
    arguments: [],
    options: { tag: [], noCheck: false },
  });
});

test('a command may have others below it: each takes its own options, and its own word is none of the arguments', () => {
  const commands: CommandSpec[] = [
    {
      name: 'restore',
      summary: 'Restore',
      arguments: [{ name: 'snapshot', description: '', count: 'optional' }],
      options: { source: text('--source <name>', ''), start: flag('--start', '') },
      examples: [],
    },
    {
      name: 'restore files',
      summary: 'Restore files',
      arguments: [{ name: 'snapshot', description: '' }],
      options: { source: list('--source <name>', ''), delta: flag('--delta', '') },
      examples: [],
    },
  ];
  const nested = {
    table: commands.map((spec) => register(spec, async () => ({ run: async () => undefined }))),
    groups: {},
  };
  const name = (parsed: ReturnType<typeof parseCommandLine>) =>
    'registered' in parsed ? parsed.registered.spec.name : '';
  const files = parseCommandLine(['restore', 'files', 'latest', '--source', 'a', '--delta', '--json'], nested);
  expect(files).toMatchObject({
    arguments: ['latest'],
    options: { source: ['a'], delta: true },
    global: { json: true },
  });
  expect(name(files)).toBe('restore files');
  const whole = parseCommandLine(['restore', 'latest', '--source', 'a', '--start'], nested);
  expect(whole).toMatchObject({ arguments: ['latest'], options: { source: 'a', start: true } });
  expect(name(whole)).toBe('restore');
  expect(name(parseCommandLine(['restore'], nested))).toBe('restore');
  for (const words of [
    ['restore', 'files', 'latest', '--start'],
    ['restore', '--source', 'a', 'files', 'latest'],
  ]) {
    expect(() => parseCommandLine(words, nested)).toThrow(expect.objectContaining({ code: 'usage' }));
  }
  expect(parseCommandLine(['restore', 'files', '--json', '--', '--source'], nested)).toMatchObject({
    arguments: ['--source'],
    global: { json: true },
  });
});

test('a group alone shows its help; a wrong word in it is an error with its path', () => {
  expect(parseCommandLine(['key'], grouped)).toEqual({ text: expect.stringContaining('Keys of the repository') });
  expect(() => parseCommandLine(['key', 'ad'], grouped)).toThrow(
    expect.objectContaining({ code: 'usage', hint: 'did you mean add? See "understudy key --help"' }),
  );
  const help = parseCommandLine(['key', 'add', '--help'], grouped);
  expect(help).toEqual({ text: expect.stringMatching(/--times <n>.*\(default: 3\)[^]*Global Options:[^]*--repo/) });
});
