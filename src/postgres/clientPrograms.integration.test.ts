// needs PostgreSQL's client programs
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { tempDir } from '../testing/tempDir.ts';
import { requireClientPrograms } from './clientPrograms.ts';

const ctx = createContext();

/** A directory with programs that only tell a version. */
async function programsOf(directory: string, version: string): Promise<string> {
  await mkdir(directory);
  for (const name of ['pg_dump', 'pg_dumpall']) {
    await writeFile(`${directory}/${name}`, `#!/bin/sh\necho "${name} (PostgreSQL) ${version}"\n`);
    await chmod(`${directory}/${name}`, 0o755);
  }
  return directory;
}

test('the programs of the server’s major are taken, else the nearest newer ones', async () => {
  await using directory = await tempDir();
  const directories = [
    await programsOf(directory.join('a'), '97.1'),
    await programsOf(directory.join('b'), '96.4 (Debian 96.4-1)'),
    await programsOf(directory.join('c'), '99beta1'),
  ];
  const find = (major: number) =>
    requireClientPrograms(ctx, { major, programs: ['pg_dump', 'pg_dumpall'], directories });
  expect(await find(96)).toMatchObject({ major: 96, version: '96.4 (Debian 96.4-1)', binDirectory: directories[1] });
  expect(await find(97)).toMatchObject({ major: 97 });
  expect(await find(98)).toMatchObject({ major: 99 });
});

test('programs older than the server are refused, naming them and what to install', async () => {
  await using directory = await tempDir();
  const directories = [await programsOf(directory.join('old'), '42.7')];
  await expect(requireClientPrograms(ctx, { major: 77, programs: ['pg_dump'], directories })).rejects.toMatchObject({
    code: 'program-missing',
    message: 'pg_dump of PostgreSQL 77 is not installed',
    hint: expect.stringMatching(
      /found only older ones: 42\.7 in .*old.*; on Debian: apt-get install postgresql-client-77/,
    ),
  });
});
