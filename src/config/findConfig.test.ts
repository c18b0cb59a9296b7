import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findConfig } from './findConfig.ts';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'find-'))));
afterEach(() => rmSync(root, { recursive: true }));

function create(path: string): string {
  const file = join(root, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, '');
  return file;
}

test('the order is flag, variable, here, home, system', () => {
  const places = {
    workingDirectory: join(root, 'work'),
    homeDirectory: join(root, 'home'),
    systemDirectory: join(root, 'etc'),
  };
  const find = (path?: string, variable = '') =>
    findConfig({ path, environment: { UNDERSTUDY_CONFIG: variable }, ...places });
  expect(find()).toBeUndefined();
  const system = create('etc/understudy.yaml');
  expect(find()).toBe(system);
  const home = create('home/.config/understudy/understudy.yaml');
  expect(find()).toBe(home);
  const here = create('work/understudy.yaml');
  expect(find()).toBe(here);
  const variable = create('elsewhere.yaml');
  expect(find(undefined, variable)).toBe(variable);
  const flag = create('work/other.yaml');
  expect(find('other.yaml', variable)).toBe(flag);
});

test('a named file that is absent is an error, not a fall-back', () => {
  const error = expect.objectContaining({ code: 'config-missing', hint: expect.stringContaining('UNDERSTUDY_CONFIG') });
  expect(() => findConfig({ environment: { UNDERSTUDY_CONFIG: join(root, 'no.yaml') } })).toThrow(error);
});
