import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { needs } from '../../testing/needs.ts';
import { tempDir } from '../../testing/tempDir.ts';
import { FileRules } from './fileRules.ts';
import { IgnoreList } from './ignoreList.ts';

vi.setConfig({ testTimeout: 60_000 });

test.each([
  ['*.log', 'a/b.log', true],
  ['*.log', 'a/b.logs', false],
  ['/build', 'build', true],
  ['/build', 'a/build', false],
  ['a/b', 'x/a/b', false],
  ['**/b', 'x/a/b', true],
  ['a/**/b', 'a/b', true],
  ['a/**', 'a', false],
  ['a/**', 'a/x/y', true],
  ['[!a-c].txt', 'd.txt', true],
  ['[!a-c].txt', 'b.txt', false],
  ['[]x]', ']', true],
  ['[[:digit:]]*', '7up', true],
  ['[unclosed', '[unclosed', false],
  ['\\#a', '#a', true],
  ['\\!a', '!a', true],
  ['#a', '#a', false],
  ['a\\ ', 'a ', true],
  ['a ', 'a', true],
  ['a\\', 'a', false],
  ['?', '\xff', true],
  ['ü', Buffer.from('ü').toString('latin1'), true],
])('%s and %s: %s', (pattern, path, ignored) => {
  expect(IgnoreList.of([pattern]).verdict(path, false)).toBe(ignored ? 'ignored' : undefined);
});

test('the last pattern that matches decides; a directory pattern is for directories', () => {
  const list = IgnoreList.parse(Buffer.from('\ufeff*.pem\r\n!public.pem\r\ncache/\n'));
  expect(list.verdict('x/key.pem', false)).toBe('ignored');
  expect(list.verdict('x/public.pem', false)).toBe('included');
  expect([list.verdict('cache', true), list.verdict('cache', false)]).toEqual(['ignored', undefined]);
  expect([list.means('cache/deep/file'), list.means('other/file')]).toEqual([true, false]);
});

const letter = fc.constantFrom('a', 'b', 'c', '.', '-');
const fileName = fc.oneof(
  fc.string({ unit: letter, minLength: 1, maxLength: 3 }).filter((name) => !/^\.{1,2}$/.test(name)),
  fc.constantFrom('a b', '[a]', 'a*', '!a', '#a', 'ä', 'A'),
);
const somePath = fc.array(fileName, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
const namePart = fc.oneof(
  letter,
  fc.constantFrom(
    '*',
    '?',
    '[ab]',
    '[!a]',
    '[^b-c]',
    '[a-]',
    '[]a]',
    '[[:alpha:]]',
    '[[:punct:]]',
    '\\*',
    '\\a',
    'ä',
    '[',
    ' ',
    '\\ ',
  ),
);
const globName = fc.oneof(fileName, fc.string({ unit: namePart, minLength: 1, maxLength: 3 }));
/** `**` only where the manual gives it a meaning: git has another one for `x**` before a slash. */
const globPath = fc.array(fc.oneof(globName, fc.constant('**')), { minLength: 1, maxLength: 3 });
const pattern = fc
  .tuple(fc.constantFrom('', '', '!'), fc.constantFrom('', '', '/'), globPath, fc.constantFrom('', '', '/'))
  .map(([negation, start, parts, end]) => `${negation}${start}${parts.join('/')}${end}`);
const ignoreFile = fc.array(pattern, { maxLength: 5 });
const tree = fc.record({
  paths: fc.uniqueArray(somePath, { minLength: 1, maxLength: 25 }),
  root: ignoreFile,
  nested: fc.array(fc.tuple(fc.nat(24), ignoreFile), { maxLength: 3 }),
});

needs('git')('random trees and patterns: what is left out is what git ignores', async () => {
  await using dir = await tempDir();
  let number = 0;
  fc.assert(
    fc.property(tree, ({ paths, root, nested }) => {
      const directory = dir.join(String(number++));
      const files = createTree(directory, paths);
      writeFileSync(`${directory}/.gitignore`, root.join('\n'));
      for (const [index, lines] of nested) {
        const parent = dirname(files[index % files.length]!);
        if (parent !== '.') writeFileSync(`${directory}/${parent}/.gitignore`, lines.join('\n'));
      }
      expect(keptByRules(directory, files)).toEqual(keptByGit(directory, files));
    }),
    { numRuns: 80 },
  );
});

/** The paths that could be created; one cannot be a file and a directory. */
function createTree(directory: string, paths: readonly string[]): string[] {
  mkdirSync(directory);
  spawnSync('git', ['init', '-q', directory]);
  return paths.filter((file) => {
    try {
      mkdirSync(`${directory}/${dirname(file)}`, { recursive: true });
      writeFileSync(`${directory}/${file}`, '', { flag: 'wx' });
      return true;
    } catch {
      return false;
    }
  });
}

function keptByGit(directory: string, files: readonly string[]): string[] {
  const { stdout } = spawnSync('git', ['-C', directory, 'check-ignore', '--no-index', '-z', '--stdin'], {
    input: files.join('\0'),
    env: { PATH: process.env['PATH'], HOME: directory, GIT_CONFIG_NOSYSTEM: '1' },
  });
  const ignored = new Set(stdout.toString().split('\0'));
  return files.filter((file) => !ignored.has(file)).toSorted();
}

function keptByRules(directory: string, files: readonly string[]): string[] {
  const rules = new FileRules([Buffer.from(directory)], {
    exclude: [],
    excludeFiles: ['.gitignore'],
    excludeCaches: false,
  });
  const isExcluded = (path: string, isDirectory: boolean) =>
    rules.excludes(Buffer.from(`${directory}/${path}`), { isDirectory: () => isDirectory });
  return files
    .filter((file) => {
      const names = file.split('/');
      return !names.some((_, depth) => isExcluded(names.slice(0, depth + 1).join('/'), depth < names.length - 1));
    })
    .toSorted();
}

test('patterns of the configuration win over those of files; names that are not UTF-8 are matched by byte', async () => {
  await using dir = await tempDir();
  mkdirSync(dir.join('sub'));
  writeFileSync(dir.join('.gitignore'), '.env\nlogs\ndata\n');
  writeFileSync(dir.join('sub/.ignore'), '*.tmp\n');
  const rules = new FileRules([Buffer.from(dir.path)], {
    exclude: ['!.env', '!/data', '/sub/old', 'x?'],
    excludeFiles: ['.gitignore', '.ignore'],
    excludeCaches: true,
  });
  const excluded = (name: string | Buffer, isDirectory = false) =>
    rules.excludes(Buffer.concat([Buffer.from(`${dir.path}/`), Buffer.from(name)]), { isDirectory: () => isDirectory });
  expect(excluded('.env')).toBe(false);
  expect(excluded('logs', true)).toBe(true);
  expect([excluded('data', true), excluded('data/file')]).toEqual([false, false]);
  expect(excluded('a.tmp')).toBe(false);
  expect(excluded(Buffer.from([0x78, 0xff]))).toBe(true);
  expect(excluded(Buffer.from([0xff, 0xff]))).toBe(false);
  expect(excluded('sub', true)).toBe(false);
  expect(excluded('sub/a.tmp')).toBe(true);
  expect(excluded('sub/old')).toBe(true);
  expect(excluded('z.tmp')).toBe(false);
  expect(rules.excluded).toBe(4);
});

test('of a cache only its tag is kept, and a file that merely has the name of the tag makes no cache', async () => {
  await using dir = await tempDir();
  mkdirSync(dir.join('cache'));
  mkdirSync(dir.join('other'));
  writeFileSync(dir.join('cache/CACHEDIR.TAG'), 'Signature: 8a477f597d28d172789f06886806bc55\n# made by a test\n');
  writeFileSync(dir.join('other/CACHEDIR.TAG'), 'hello');
  const kept = (excludeCaches: boolean) => {
    const rules = new FileRules([Buffer.from(dir.path)], { exclude: [], excludeFiles: [], excludeCaches });
    return ['cache/CACHEDIR.TAG', 'cache/file', 'other/CACHEDIR.TAG', 'other/file'].filter(
      (path) => !rules.excludes(Buffer.from(dir.join(path)), { isDirectory: () => false }),
    );
  };
  expect(kept(true)).toEqual(['cache/CACHEDIR.TAG', 'other/CACHEDIR.TAG', 'other/file']);
  expect(kept(false)).toHaveLength(4);
});

test.each([
  ['*a'.repeat(30), 'a'.repeat(1000)],
  [`${'**/a*/'.repeat(30)}**/`, 'a/'.repeat(1000)],
  [`${'**/*a*a/'.repeat(30)}**/`, 'aaaa/'.repeat(1000)],
])('no pattern takes forever: %s', (glob, path) => {
  expect(IgnoreList.of([`${glob}b`]).verdict(`${path}c`, false)).toBeUndefined();
  expect(IgnoreList.of([`${glob}b`]).verdict(`${path}b`, false)).toBe('ignored');
});
