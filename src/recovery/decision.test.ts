import { readdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { tempDir } from '../testing/tempDir.ts';
import { directoryInbox, postDecision } from './decision.ts';

test('a file that is no decision is told once, and does not keep the others away', async () => {
  await using directory = await tempDir();
  const told: string[] = [];
  const inbox = directoryInbox(directory.path, (message) => told.push(message));
  const by = 'berta';
  writeFileSync(directory.join('0-torn.json'), '{"action":');
  writeFileSync(directory.join('1-other.json'), '{"action":"explode","by":"berta","reason":""}');
  const posted = postDecision(directory.path, new Date(), { action: 'approve', step: 'a', by, reason: 'looked' });
  expect(inbox.peek()).toEqual([posted]);
  expect(inbox.peek()).toEqual([posted]);
  expect(told).toEqual([expect.stringContaining('0-torn.json'), expect.stringContaining('1-other.json')]);
  inbox.remove(posted);
  expect(inbox.peek()).toEqual([]);
  expect(readdirSync(directory.path).sort()).toEqual(['0-torn.json', '1-other.json']);
});
