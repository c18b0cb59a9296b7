import { chownSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { tempDir } from '../../testing/tempDir.ts';
import { publishObject, stageObject } from './stagedObject.ts';

test.runIf(process.geteuid?.() === 0)('WAL that root archives belongs to the owner of the repository', async () => {
  await using directory = await tempDir();
  writeFileSync(directory.join('config'), '', { mode: 0o600 });
  chownSync(directory.path, 65_533, 65_532);
  publishObject(directory.path, stageObject(directory.path, 'a/b/segment', Buffer.from('WAL')));
  for (const path of ['a', 'a/b', 'a/b/segment'])
    expect(statSync(directory.join(path))).toMatchObject({ uid: 65_533, gid: 65_532 });
  expect(statSync(directory.join('a/b/segment')).mode & 0o777).toBe(0o400);
});
