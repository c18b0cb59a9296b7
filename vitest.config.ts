import { globSync } from 'node:fs';
import { configDefaults, defineConfig } from 'vitest/config';
import { missingClientPrograms, testsOfClientPrograms } from './src/testing/clientPrograms.ts';

const include = ['src/**/*.test.ts', 'tools/**/*.test.ts', 'e2e/**/*.test.ts'];

/** Without PostgreSQL's own packages what needs them is left out, and said so; under CI=true it fails instead. */
function leftOut(): string[] {
  const missing = missingClientPrograms();
  if (missing.length === 0 || process.env['CI'] === 'true') return [];
  const tests = testsOfClientPrograms(import.meta.dirname, globSync(include, { cwd: import.meta.dirname }));
  const list = tests.map((test) => `\n  ${test}`).join('');
  process.stderr.write(`${missing.join(', ')} not installed: ${tests.length} test files are left out:${list}\n`);
  return tests;
}

export default defineConfig({
  test: {
    include,
    exclude: [...configDefaults.exclude, ...leftOut()],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: 'forks',
    maxWorkers: 2,
    setupFiles: ['src/testing/leaks.ts'],
  },
});
