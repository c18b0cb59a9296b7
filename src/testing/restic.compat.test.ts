import { writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { needs } from './needs.ts';
import { restic } from './restic.ts';
import { tempDir } from './tempDir.ts';

needs('restic')('stock restic is driven: answers, JSON, exit status', async () => {
  await using directory = await tempDir();
  writeFileSync(directory.join('file'), 'content');
  const stock = restic(directory.join('repository'), 'secret');
  await stock.run('init');
  const lines = await stock.jsonLines<{ message_type: string }>('backup', directory.join('file'));
  expect(lines.at(-1)).toMatchObject({ message_type: 'summary', files_new: 1 });
  expect(await stock.json('snapshots')).toMatchObject([{ paths: [directory.join('file')] }]);
  const wrong = restic(directory.join('repository'), 'guess');
  expect(await wrong.attempt('snapshots')).toMatchObject({ status: 1, stderr: expect.stringContaining('password') });
  await expect(wrong.run('snapshots')).rejects.toThrow('restic snapshots ended with 1');
});
