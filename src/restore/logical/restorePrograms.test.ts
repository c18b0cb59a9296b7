import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createContext } from '../../base/context.ts';
import { tempDir } from '../../testing/tempDir.ts';
import { requireRestorePrograms } from './restorePrograms.ts';

test('a server that does not know what newer programs set is not given to them', async () => {
  await using directory = await tempDir();
  const version = directory.join('pg_restore');
  await writeFile(version, '#!/bin/sh\necho "pg_restore (PostgreSQL) 17.99"\n', { mode: 0o755 });
  const find = (serverMajor: number, dumpMajor: number) =>
    requireRestorePrograms(createContext(), {
      programs: ['pg_restore'],
      serverMajor,
      dumpMajor,
      forServer: false,
      directories: [directory.path],
    });
  expect(await find(17, 16)).toMatchObject({ major: 17 });
  await expect(find(15, 17)).rejects.toMatchObject({ code: 'postgres-unsupported' });
  await expect(find(16, 16)).rejects.toMatchObject({
    code: 'program-missing',
    message: 'pg_restore of PostgreSQL 16 is not installed',
    hint: expect.stringContaining('transaction_timeout'),
  });
});
