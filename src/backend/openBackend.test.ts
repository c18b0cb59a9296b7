import { relative } from 'node:path';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { tempDir } from '../testing/tempDir.ts';
import { openBackend } from './openBackend.ts';

test('a path, with or without local:, absolute or relative, is a directory', async () => {
  await using directory = await tempDir();
  for (const location of [directory.path, `local:${directory.path}`, relative(process.cwd(), directory.path)]) {
    const backend = await openBackend(location);
    expect(backend.location).toBe(`local:${directory.path}`);
    expect(backend.localDirectory).toBe(directory.path);
  }
});

test('mem: is a new, empty backend', async () => {
  const backend = await openBackend('mem:');
  await backend.put(createContext(), 'config', Buffer.from('x'));
  expect(backend).toMatchObject({ location: 'mem:', localDirectory: undefined });
  expect(await (await openBackend('mem:')).stat(createContext(), 'config')).toBeUndefined();
});

test.each([
  ['s3:https://host/bucket', 'the unknown kind s3:'],
  ['rest:https://user:hunter2@host/', 'the unknown kind rest:'],
  ['', 'without a location'],
  ['local:', 'without a path'],
  ['mem:x', 'with 1 more characters'],
])('%j is refused, with the kinds there are, and without repeating a password', async (location, message) => {
  const error = await openBackend(location).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'usage', message: expect.stringContaining(message) });
  expect(error).toMatchObject({ hint: expect.stringContaining('/path, local:/path and mem:') });
  expect(String(error)).not.toContain('hunter2');
});

test('a missing directory is a missing repository, unless it is to be created', async () => {
  await using directory = await tempDir();
  const path = directory.join('deep/down');
  await expect(openBackend(path)).rejects.toMatchObject({ code: 'repository-missing' });
  await openBackend(path, { create: true });
  await openBackend(path);
});
