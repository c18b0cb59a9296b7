import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tempDir } from '../src/testing/tempDir.ts';
import type { Results } from './bench/results.ts';
import { projectRoot } from './projectFiles.ts';

function bench(...words: string[]) {
  return spawnSync(process.execPath, [join(projectRoot, 'tools/bench.ts'), ...words], { encoding: 'utf8' });
}

test(
  'a quick run measures full backups of both data sets and leaves its results alone',
  { timeout: 300_000 },
  async () => {
    await using directory = await tempDir();
    const { status, stdout, stderr } = bench('--quick', '--only', 'full', '--directory', directory.path);
    expect(stderr).toBe('');
    expect(status, stdout).toBe(0);
    expect(readdirSync(directory.path)).toEqual(['results.json']);
    const results = JSON.parse(readFileSync(directory.join('results.json'), 'utf8')) as Results;
    expect(results.cases.map((each) => `${each.case} ${each.dataSet}`)).toEqual(['full pgbench', 'full realistic']);
    for (const { results: tools } of results.cases) {
      expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['understudy', 'cp']));
      for (const { name, runs, failure } of tools) {
        expect({ name, failure, runs: runs.length }).toEqual({ name, failure: undefined, runs: 1 });
        expect(runs[0]?.storedBytes).toBeGreaterThan(1e6);
      }
    }
  },
);

test('an unknown option is one line, and nothing is built', () => {
  const { status, stderr } = bench('--fast');
  expect(status).toBe(2);
  expect(stderr).toMatch(/^npm run bench: Unknown option '--fast'/);
  expect(existsSync(join(projectRoot, '--fast'))).toBe(false);
});
