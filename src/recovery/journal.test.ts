import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { tempDir } from '../testing/tempDir.ts';
import { directoryInbox, postDecision } from './decision.ts';
import { FileJournal, readJournal } from './journal.ts';
import { createMask } from './mask.ts';
import { outputDirectory } from './stepOutput.ts';

const at = '2026-11-22T10:00:00.000Z';

test('a journal is read as far as it is sound, and goes on there', async () => {
  await using directory = await tempDir();
  const path = directory.join('journal.ndjson');
  {
    using journal = FileJournal.create(path);
    journal.append({ type: 'step-begun', at, step: 'a', attempt: 1 });
  }
  appendFileSync(path, '{"type":"step-succ'); // the process died while it wrote
  const content = readJournal(path);
  expect(content.entries).toEqual([{ type: 'step-begun', at, step: 'a', attempt: 1 }]);
  {
    using journal = FileJournal.reopen(path, content);
    journal.append({ type: 'ended', at, verdict: 'passed' });
  }
  expect(readJournal(path).entries.map(({ type }) => type)).toEqual(['step-begun', 'ended']);
  expect(() => FileJournal.create(path)).toThrow('EEXIST');
});

test('a journal that is absent or damaged is refused', async () => {
  await using directory = await tempDir();
  const path = directory.join('journal.ndjson');
  expect(() => readJournal(path)).toThrow(expect.objectContaining({ code: 'not-found' }));
  writeFileSync(path, '{"type":"ended"}\nnot json\n');
  expect(() => readJournal(path)).toThrow(
    expect.objectContaining({ code: 'file-io', message: expect.stringMatching(/^line 2 /) }),
  );
});

test('decisions of other processes come in their order, and stay until they are removed', async () => {
  await using directory = await tempDir();
  const inbox = directoryInbox(directory.join('decisions'));
  expect(inbox.peek()).toEqual([]);
  const arrived = inbox.arrival(createContext());
  const pause = postDecision(directory.join('decisions'), new Date(1e12), { action: 'pause', by: 'anna', reason: '' });
  const approve = { action: 'approve', step: 'a', by: 'berta', reason: 'fine' } as const;
  postDecision(directory.join('decisions'), new Date(2e12), approve);
  await arrived;
  expect(inbox.peek()).toMatchObject([{ action: 'pause', by: 'anna' }, approve]);
  inbox.remove(pause);
  inbox.remove(pause);
  expect(inbox.peek()).toMatchObject([approve]);
});

test('what a step prints is kept up to a limit, with its digest', async () => {
  await using directory = await tempDir();
  const open = outputDirectory(directory.join('output'), createMask([]));
  {
    using silent = open('a', 1);
    expect(silent.digest()).toBeNull();
    using output = open('b', 2);
    for (let line = 0; line < 5; line++) output.write('x'.repeat(1024 * 1024));
    expect(output.digest()).toMatch(/^[0-9a-f]{64}$/);
  }
  const kept = readFileSync(directory.join('output/b-2.log'), 'utf8');
  expect(kept.length).toBeLessThan(4 * 1024 * 1024);
  expect(kept.endsWith('\n[the rest was not kept]\n')).toBe(true);
});
