/** `npm run lint`: everything about the code that can be judged without running it. A check that saw nothing fails. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { isLinted, listProjectFiles, projectRoot } from './projectFiles.ts';

interface Check {
  readonly name: string;
  /** A script of an installed package, or one of ours. */
  readonly script: string;
  readonly commandLine: readonly string[];
  /** How many files it must have looked at. */
  readonly atLeast: number;
  readonly countSeen: (output: string) => number;
}

const files = listProjectFiles();
const lintedCount = files.filter(isLinted).length;
const formatted = files.filter((path) => /\.(ts|tsx|json|ya?ml|css|html)$/.test(path));

const checks: readonly Check[] = [
  {
    name: 'oxlint, with types',
    script: 'node_modules/oxlint/bin/oxlint',
    commandLine: ['--deny-warnings', '--report-unused-disable-directives'],
    atLeast: lintedCount,
    countSeen: (output) => Number(/ on (\d+) files? with \d+ rules/.exec(output)?.[1]),
  },
  {
    name: 'prettier',
    script: 'node_modules/prettier/bin/prettier.cjs',
    commandLine: ['--check', '--', ...formatted],
    atLeast: 1,
    countSeen: (output) => (output.includes('All matched files use Prettier code style!') ? formatted.length : 0),
  },
  {
    name: 'knip',
    script: 'node_modules/knip/bin/knip.js',
    commandLine: [
      '--no-progress',
      '--treat-config-hints-as-errors',
      '--reporter=symbols',
      '--reporter=./tools/knipFileCount.ts',
    ],
    atLeast: lintedCount,
    countSeen: (output) => Number(/knip looked at (\d+) files/.exec(output)?.[1]),
  },
];

let failed = false;
for (const check of checks) {
  const started = performance.now();
  const result = spawnSync(process.execPath, [join(projectRoot, check.script), ...check.commandLine], {
    cwd: projectRoot,
    encoding: 'utf8',
  });
  const output = result.stdout + result.stderr;
  const seen = check.countSeen(output);
  const passed = result.status === 0 && seen >= check.atLeast;
  if (!passed) {
    failed = true;
    process.stdout.write(output);
    if (result.status === 0) console.log(`it looked at ${seen} files, and there are ${check.atLeast}`);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${check.name} (${seen} files, ${seconds} s)`);
}
process.exitCode = failed ? 1 : 0;
