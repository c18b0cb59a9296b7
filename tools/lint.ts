/** `npm run lint`: everything about the code that can be judged without running it. A check that saw nothing fails. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
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
    commandLine: ['--check', '--cache', '--cache-strategy=content', '--', ...formatted],
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

interface Outcome {
  readonly passed: boolean;
  readonly report: string;
}

const outcomes = await Promise.all(checks.map(runCheck));
for (const { report } of outcomes) console.log(report);
process.exitCode = outcomes.every(({ passed }) => passed) ? 0 : 1;

/** Its own words only when it failed; a verdict with the number of files always. */
async function runCheck(check: Check): Promise<Outcome> {
  const started = performance.now();
  const { status, output } = await runScript(check);
  const seen = check.countSeen(output);
  const passed = status === 0 && seen >= check.atLeast;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const verdict = `${passed ? 'ok    ' : 'FAILED'} ${check.name} (${seen} of at least ${check.atLeast} files, ${seconds} s)`;
  return { passed, report: passed ? verdict : output + verdict };
}

async function runScript(check: Check): Promise<{ status: number | null; output: string }> {
  const child = spawn(process.execPath, [join(projectRoot, check.script), ...check.commandLine], {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pieces: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => pieces.push(piece));
  await once(child, 'close');
  return { status: child.exitCode, output: Buffer.concat(pieces).toString('utf8') };
}
