import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createContext } from '../../base/context.ts';
import { tempDir } from '../../testing/tempDir.ts';
import { loadArchive } from './pgRestore.ts';

test('of a statement that fails nothing is told but the error, however long it is', async () => {
  await using directory = await tempDir();
  const lines = [
    'pg_restore: from TOC entry 7; 1417 16400 USER MAPPING - USER MAPPING anna SERVER far postgres',
    'pg_restore: error: could not execute query: ERROR:  role "anna" does not exist',
    'Command was: CREATE USER MAPPING FOR anna SERVER far OPTIONS (',
    ...Array.from({ length: 500 }, (_, at) => `    option${at} 'swordfish',`),
  ];
  const told = directory.join('told');
  await writeFile(told, lines.join('\n'));
  const program = `#!/bin/sh\ncat > /dev/null\ncat ${told} >&2\nexit 1\n`;
  await writeFile(directory.join('pg_restore'), program, { mode: 0o755 });
  const programs = { major: 15, version: '15.0', binDirectory: directory.path };
  const connection = { host: '/nowhere', port: 1, user: 'nobody' };
  const bytes = (async function* () {})();
  const loading = loadArchive(
    createContext(),
    { name: 'pre-data', bytes },
    { target: { programs, connection, database: 'shop' }, args: [] },
  );
  const error = await loading.catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: 'restore-incomplete',
    message: expect.stringContaining('role "anna" does not exist'),
    detail: { stderr: lines.slice(0, 2), exitStatus: 1 },
  });
  expect(JSON.stringify(error)).not.toContain('swordfish');
});
