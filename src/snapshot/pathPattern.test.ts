import { expect, test } from 'vitest';
import { compilePathPattern } from './pathPattern.ts';

test.each([
  ['*.conf', 'etc/app.conf', true],
  ['*.conf', 'etc/app.conf.d', false],
  ['etc', 'srv/etc/app.conf', true],
  ['etc/app', 'srv/etc/app/x', true],
  ['etc/app', 'srv/etc/x/app', false],
  ['/etc', 'srv/etc', false],
  ['/etc/', 'etc/app.conf', true],
  ['/srv/**/x', 'srv/x', true],
  ['/srv/**/x', 'srv/a/b/x', true],
  ['/srv/**/x', 'srv/a/b/y', false],
  ['a/**', 'c/a', true],
  ['**/b/**/d', 'a/b/c/d', true],
  ['a?c', 'abc', true],
  ['a?c', 'a😀c', true],
  ['a?c', 'ac', false],
  ['[a-c]x', 'bx', true],
  ['[^a-c]x', 'bx', false],
  ['[^a-c]x', 'dx', true],
  ['[\\]]', ']', true],
  ['\\*', '*', true],
  ['\\*', 'a', false],
  ['a.c', 'abc', false],
  ['A*', 'abc', false],
  ['a]', 'a]', true],
])('%j and %j: %s', (pattern, path, matches) => {
  expect(compilePathPattern(pattern).matches(path.split('/'))).toBe(matches);
});

test.each(['[', '[a', '[]a]', '[a-]', '[^]', 'a\\', '[-a]', ''])('%j is malformed', (pattern) => {
  expect(() => compilePathPattern(pattern)).toThrow(expect.objectContaining({ code: 'usage' }));
});

test('case can be ignored', () => {
  expect(compilePathPattern('A*Ü', { ignoreCase: true }).matches(['abcü'])).toBe(true);
});

test.each([
  ['x', 'etc', true],
  ['/srv/a', 'srv', true],
  ['/srv/a', 'etc', false],
  ['/srv/a', 'srv/a/b', true],
  ['/srv/**/x', 'srv/a/b', true],
  ['/srv/*/x', 'srv/a/b', false],
])('below: %j and %j: %s', (pattern, directory, may) => {
  expect(compilePathPattern(pattern).mayMatchBelow(directory.split('/'))).toBe(may);
});
