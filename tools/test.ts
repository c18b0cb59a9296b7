/** `npm test`: types, lint, all tests. What follows `--` goes to vitest, e.g. `npm test -- src/backend`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from './projectFiles.ts';

const steps = [
  ['node_modules/typescript/bin/tsc', '--noEmit'],
  ['tools/lint.ts'],
  ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)],
];

const failed = steps.filter(([script = '', ...commandLine]) => {
  const options = { cwd: projectRoot, stdio: 'inherit' } as const;
  return spawnSync(process.execPath, [join(projectRoot, script), ...commandLine], options).status !== 0;
});
for (const [script] of failed) console.error(`npm test: failed in ${script}`);
process.exitCode = failed.length === 0 ? 0 : 1;
