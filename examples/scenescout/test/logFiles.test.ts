import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LogFiles } from '../src/logFiles.ts';

test('a rename and a reopen lose no line and split none', () => {
  const directory = mkdtempSync(join(tmpdir(), 'scenescout-logs-'));
  const file = join(directory, 'ingestion.log');
  const logs = new LogFiles(directory);
  try {
    const write = (from: number, to: number) => {
      for (let line = from; line < to; line++) logs.write('ingestion', 'line', { line });
    };
    write(0, 1000);
    renameSync(file, `${file}.1`);
    write(1000, 1500);
    logs.reopen();
    write(1500, 2000);
    const lines = (path: string) =>
      readFileSync(path, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { line: number }).line);
    const expected = Array.from({ length: 2000 }, (_, line) => line);
    assert.deepEqual(lines(`${file}.1`), expected.slice(0, 1500));
    assert.deepEqual(lines(file), expected.slice(1500));
  } finally {
    logs[Symbol.dispose]();
    rmSync(directory, { recursive: true });
  }
});
