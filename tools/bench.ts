/** `npm run bench`: measures the built package against other tools; `npm run bench -- --help` says how. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { measureBackups, measureLarge } from './bench/backupCases.ts';
import type { Bench, CaseResult } from './bench/bench.ts';
import { eventsSet, fillerSet } from './bench/dataSets.ts';
import { describeMachine, findTools } from './bench/machine.ts';
import { type BenchOptions, help, parseOptions } from './bench/options.ts';
import { installProgram } from './bench/program.ts';
import { benchmarksPage, summaryLines } from './bench/report.ts';
import { addResults, saveResults } from './bench/results.ts';
import { measureWal } from './bench/walCases.ts';
import { Workspace } from './bench/workspace.ts';
import { projectRoot } from './projectFiles.ts';

/** Most that lies in the directory at once, at scale 1; without and with the large cluster. */
const neededBytes = { usual: 30e9, large: 60e9 };
const fillerScale = 200;
const largeScale = 1340;
const updateTransactions = 2000;

const options = readOptions();
if (options !== undefined) await main(options);

async function main(given: BenchOptions): Promise<void> {
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => stopping.abort(new Error(`stopped by ${name}`)));
  }
  const tools = await findTools();
  const workspace = await Workspace.open(
    given.directory,
    given.scale * neededBytes[given.cases.includes('large') ? 'large' : 'usual'],
  );
  const { signal } = stopping;
  const bench: Bench = {
    signal,
    options: given,
    workspace,
    program: await installProgram(signal, workspace),
    installed: new Set(Object.keys(tools).filter((name) => tools[name] !== undefined)),
    report: (line) => console.log(line),
  };
  try {
    const measured = await measureAll(bench);
    const day = new Date().toISOString().slice(0, 10);
    const path = workspace.join('results.json');
    const results = addResults(path, {
      scale: given.scale,
      machine: describeMachine(workspace.path),
      tools,
      cases: measured.map((result) => ({ ...result, day })),
    });
    await saveResults(path, results);
    if (given.write) await writeFile(join(projectRoot, 'docs/benchmarks.md'), benchmarksPage(results));
    console.log(['', ...summaryLines(results)].join('\n'));
    if (measured.some((each) => each.results.some(({ failure }) => failure !== undefined))) process.exitCode = 1;
  } catch (error) {
    if (!signal.aborted) throw error;
    console.error('stopped');
    process.exitCode = 130;
  } finally {
    await cleanUp(bench);
  }
}

async function measureAll(bench: Bench): Promise<CaseResult[]> {
  const { scale } = bench.options;
  return [
    ...(await measureBackups(bench, fillerSet('pgbench', fillerScale * scale, updateTransactions * scale))),
    ...(await measureBackups(bench, eventsSet('realistic', scale))),
    ...(await measureWal(bench)),
    ...(await measureLarge(bench, { ...fillerSet('large', largeScale * scale, 0), title: '20 GB' })),
  ];
}

/** Everything but results.json goes, and the data sets when they are not wanted again. */
async function cleanUp({ workspace, options: { keep } }: Bench): Promise<void> {
  await workspace.removeAllBut(keep ? ['data'] : []);
}

function readOptions(): BenchOptions | undefined {
  try {
    const parsed = parseOptions(process.argv.slice(2));
    if (parsed === undefined) console.log(help);
    return parsed;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`npm run bench: ${error.message}`);
    process.exitCode = 2;
    return undefined;
  }
}
