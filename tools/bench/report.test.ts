import { expect, test } from 'vitest';
import type { CaseName } from './options.ts';
import { dumpWorks } from './dumpCases.ts';
import { benchmarksPage, summaryLines } from './report.ts';
import { addResults, type DatedCaseResult, type Results } from './results.ts';
import type { MeasuredRun } from './rounds.ts';
import { spread } from './statistics.ts';
import { toolNames } from './tools/backupTools.ts';
import { tempDir } from '../../src/testing/tempDir.ts';
import { saveResults } from './results.ts';

const machine = { processor: 'EPYC', cores: 2, memory: '24 GiB', kernel: 'Linux 6', disk: 'ext4 on /dev/vda' };

function run(wallMs: number, more: Partial<MeasuredRun> = {}): MeasuredRun {
  return { wallMs, cpuSeconds: 1, foreignShare: 0, peakRssBytes: 100e6, clean: true, ...more };
}

function measured(name: CaseName, runs: Readonly<Record<string, readonly MeasuredRun[]>>): DatedCaseResult {
  const results = Object.entries(runs).map(([tool, each]) => ({ name: tool, runs: each }));
  return { case: name, dataSet: 'pgbench', sourceBytes: 3e9, day: '2026-11-22', results };
}

function resultsOf(...cases: readonly DatedCaseResult[]): Results {
  return { scale: 1, machine, tools: { understudy: '0.1.0', restic: undefined }, cases };
}

test('medians and ratios against the targets', () => {
  const { understudy, pgbackrest, restic } = toolNames;
  const results = resultsOf(
    measured('restore', {
      [understudy]: [run(2000), run(9000, { clean: false }), run(3000), run(4000)],
      [pgbackrest]: [run(6000)],
      [restic]: [run(3300, { peakRssBytes: 900e6 })],
    }),
  );
  const lines = summaryLines(results);
  expect(lines).toContain('| restore | pgbench | 3.00 s | 6.00 s pgBackRest | 2.00 | >= 1.60 | met |');
  expect(lines).toContain('| restore | pgbench | 3.00 s | 3.30 s restic | 1.10 | >= 1.40 | **missed** |');
  expect(lines.at(-1)).toBe('Most memory of ours: 95.4 MiB (restore); target < 500 MB: met.');
  const page = benchmarksPage(results);
  expect(page).toContain('| understudy | 3.00 s (2.00-4.00) | 1.00 s | 95.4 MiB |  | 3 |');
  expect(page).toContain('restic (not installed)');
});

test('what dumps store and read is told as a share', () => {
  const page = benchmarksPage(
    resultsOf({
      ...measured('dump', {
        [dumpWorks.first]: [run(9000, { storedBytes: 1000 })],
        [dumpWorks.day]: [run(9000, { storedBytes: 79 })],
        [dumpWorks.random]: [run(9000, { storedBytes: 990 })],
        [dumpWorks.table]: [run(1000, { readBytes: 3e8 })],
      }),
      dataSet: 'realistic',
    }),
  );
  expect(page).toContain(`| ${dumpWorks.day} | realistic, 2.79 GiB | 79 B | 7.9 % | < 8.0 % | met |`);
  expect(page).toContain(`| ${dumpWorks.random} | realistic, 2.79 GiB | 990 B | 99.0 % |  |  |`);
  expect(page).toContain(`| ${dumpWorks.table} | realistic, 2.79 GiB | 286.1 MiB | 10.0 % | < 5.0 % | **missed** |`);
});

test('a failed tool has no ratio, and the page says why', () => {
  const failed = { name: toolNames.understudy, runs: [run(10)], failure: 'base/5/16384 differs' };
  const results = resultsOf({ ...measured('restore', { [toolNames.restic]: [run(3000)] }) });
  const [restore] = results.cases;
  const withFailure = resultsOf({ ...restore!, results: [...restore!.results, failed] });
  expect(summaryLines(withFailure)).toContain('| restore | pgbench | - | 3.00 s restic | - | >= 1.40 | not measured |');
  expect(benchmarksPage(withFailure)).toContain('| understudy | failed: base/5/16384 differs |');
});

test('results of other cases are kept when the conditions are the same', async () => {
  await using directory = await tempDir();
  const path = directory.join('results.json');
  const earlier = resultsOf(measured('full', { cp: [run(1)] }), measured('verify', { cp: [run(1)] }));
  await saveResults(path, earlier);
  const fresh = resultsOf(measured('full', { cp: [run(2)] }));
  expect(addResults(path, fresh).cases.map((each) => [each.case, each.results[0]?.runs[0]?.wallMs])).toEqual([
    ['full', 2],
    ['verify', 1],
  ]);
  expect(addResults(path, { ...fresh, scale: 0.5 }).cases).toHaveLength(1);
});

test('median of an even number is the mean of the middle two', () => {
  expect(spread([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
});
