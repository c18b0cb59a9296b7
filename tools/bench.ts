/** `npm run bench`: measures the built package against other tools; `npm run bench -- --help` says how. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { measureBackups, measureLarge } from './bench/backupCases.ts';
import type { Bench, CaseResult } from './bench/bench.ts';
import { eventsSet, fillerSet } from './bench/dataSets.ts';
import { eventsChanges, measureDumps } from './bench/dumpCases.ts';
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
  try {
    const large = given.cases.includes('large');
    const workspace = await Workspace.open(given.directory, given.scale * neededBytes[large ? 'large' : 'usual']);
    process.exitCode = (await measureIn(workspace, stopping.signal, given)) ? 0 : 1;
  } catch (error) {
    console.error(`npm run bench: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = stopping.signal.aborted ? 130 : 1;
  }
}

/** False when a tool failed. */
async function measureIn(workspace: Workspace, signal: AbortSignal, given: BenchOptions): Promise<boolean> {
  try {
    const tools = await findTools();
    const program = await installProgram(signal, workspace);
    const installed = new Set(Object.keys(tools).filter((name) => tools[name] !== undefined));
    const measured = await measureAll({ signal, options: given, workspace, program, installed, report: console.log });
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
    return measured.every((each) => each.results.every(({ failure }) => failure === undefined));
  } finally {
    await workspace.removeAllBut(given.keep ? ['data'] : []);
  }
}

async function measureAll(bench: Bench): Promise<CaseResult[]> {
  const { scale } = bench.options;
  const pgbench = fillerSet('pgbench', fillerScale * scale, updateTransactions * scale);
  const realistic = eventsSet('realistic', scale);
  return [
    ...(await measureBackups(bench, pgbench)),
    ...(await measureBackups(bench, realistic)),
    ...(await measureWal(bench)),
    ...(await measureDumps(bench, { set: realistic, smallTable: 'venues', changes: eventsChanges })),
    ...(await measureDumps(bench, { set: pgbench, smallTable: 'pgbench_tellers' })),
    ...(await measureLarge(bench, { ...fillerSet('large', largeScale * scale, 0), title: '20 GB' })),
  ];
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
