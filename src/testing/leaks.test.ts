import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

test.each([
  ['LeakingProcess', 'sleep 61'],
  ['LeakingDirectory', '/us-'],
])('a test file like %s fails, though its tests pass', (fixture, trace) => {
  const root = resolve(import.meta.dirname, '../..');
  const commandLine = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--config',
    'src/testing/fixture/cases.config.ts',
    fixture,
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, commandLine, { cwd: root, encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stdout + stderr).toContain('left behind by this test file');
  expect(stdout + stderr).toContain(trace);
});
