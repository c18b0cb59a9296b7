import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

test.each([
  ['true', 1, 'Error: CI needs no-such-program'],
  ['', 0, '1 skipped'],
])('with CI=%s, a test whose program is missing ends with %i', (ci, status, text) => {
  const commandLine = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--config',
    'src/testing/fixture/cases.config.ts',
    'Needy',
  ];
  const environment = { ...process.env, CI: ci, NO_COLOR: '1' };
  const result = spawnSync(process.execPath, commandLine, { cwd: root, env: environment, encoding: 'utf8' });
  expect(result.stdout + result.stderr).toContain(text);
  expect(result.status).toBe(status);
});
