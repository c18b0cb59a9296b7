import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { expect, test } from 'vitest';
import { tempDir } from '../testing/tempDir.ts';
import { createMask } from './mask.ts';
import { outputDirectory } from './stepOutput.ts';

test('what comes after the end of a step goes nowhere, least of all into the file that is opened next', async () => {
  await using directory = await tempDir();
  const output = outputDirectory(directory.path, createMask([]))('first', 1);
  output.write('one');
  output[Symbol.dispose]();
  const next = openSync(directory.join('next'), 'w');
  output.write('late');
  writeSync(next, 'clean');
  closeSync(next);
  output.write('later');
  expect(readFileSync(directory.join('next'), 'utf8')).toBe('clean');
  expect(readFileSync(directory.join('first-1.log'), 'utf8')).toBe('one\n');
  const silent = outputDirectory(directory.path, createMask([]))('silent', 1);
  silent[Symbol.dispose]();
  silent.write('late');
  expect(silent.digest()).toBe(null);
});

test('what cannot be kept is an error with the name of the file', async () => {
  await using directory = await tempDir();
  mkdirSync(directory.join('first-1.log'));
  using output = outputDirectory(directory.path, createMask([]))('first', 1);
  expect(() => output.write('one')).toThrow(expect.objectContaining({ code: 'file-io' }));
});
