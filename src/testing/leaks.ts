import { rmSync } from 'node:fs';
import { afterAll, expect } from 'vitest';
import { listProcesses, type ProcessEntry, processesWithEnvironment } from './processes.ts';
import { openTempDirs } from './tempDir.ts';
import { waitFor } from './waitFor.ts';

/**
 * Set-up of every test file: when its tests are done, no process it started may live (also none that has left its
 * parent: descendants are known by an environment variable) and none of its temporary directories may exist.
 */
const marker = 'UNDERSTUDY_TEST_FILE';
const value = `${process.pid}-${expect.getState().testPath ?? ''}`;
process.env[marker] = value;
const before = new Set(startedHere().map((entry) => entry.pid));

afterAll(async () => {
  const leaked = () => startedHere().filter((entry) => !before.has(entry.pid));
  // what was told to stop may need a moment to be gone
  await waitFor(() => leaked().length === 0, { what: 'end of processes', timeoutMs: 2000 }).catch(() => undefined);
  const processes = leaked();
  const directories = [...openTempDirs];
  for (const { pid } of processes) process.kill(pid, 'SIGKILL');
  for (const path of directories) rmSync(path, { recursive: true, force: true });
  expect({ processes, directories }, 'left behind by this test file').toEqual({ processes: [], directories: [] });
});

function startedHere(): ProcessEntry[] {
  const all = listProcesses();
  const found = new Map(processesWithEnvironment(marker, value).map((entry) => [entry.pid, entry]));
  for (let grown = true; grown;) {
    const sizeBefore = found.size;
    for (const entry of all) {
      if (entry.parent === process.pid || found.has(entry.parent)) found.set(entry.pid, entry);
    }
    grown = found.size > sizeBefore;
  }
  found.delete(process.pid);
  return [...found.values()];
}
