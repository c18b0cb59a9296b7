import { formatBytes } from '../../src/cli/format.ts';
import type { CaseResult } from './bench.ts';
import { dumpWorks } from './dumpCases.ts';
import { countedRuns, type MeasuredRun } from './rounds.ts';
import { median } from './statistics.ts';

/** A share that must not be reached, of what the first dump stored or of the size of the database. */
interface ShareTarget {
  readonly work: keyof typeof dumpWorks;
  readonly below: number;
}

const shareTargets: readonly ShareTarget[] = [
  { work: 'day', below: 0.08 },
  { work: 'table', below: 0.05 },
];

/** What dumps store and read, for the page; nothing where they were not measured. */
export function dumpLines(cases: readonly CaseResult[]): string[] {
  const dumps = cases.filter(({ case: name }) => name === 'dump');
  if (dumps.length === 0) return [];
  return [
    '## Dumps',
    '',
    '`kind: dump`, ours alone, default compression. *Stored* is what the run added to the repository, *read* all that',
    'its processes read from anywhere, their own program included. Shares are of what the first dump stored; of the',
    'size of the database for what was read.',
    '',
    '| work | database | stored or read | share | target |  |',
    '| --- | --- | --- | --- | --- | --- |',
    ...dumps.flatMap(rowsOf),
    '',
    'A day changes mostly what is new, and what is new lies together: few chunks change. Rows changed anywhere are the',
    'worst case: a chunk of 64 KiB to 1 MiB holds hundreds of rows, so that with one row in a hundred changed hardly',
    'any chunk stays as it was (0.99 to the power of 300 is 5 %). Only chunks of some seven rows would keep below 8 %,',
    'and to name so many of them in index and tree takes as much again. What grows with the changes alone is WAL: such',
    'a database is better kept by base backups at longer intervals and the WAL between them.',
    '',
  ];
}

function rowsOf({ dataSet, sourceBytes, results }: CaseResult): string[] {
  const runsOf = (work: keyof typeof dumpWorks): readonly MeasuredRun[] | undefined =>
    results.find(({ name }) => name === dumpWorks[work])?.runs;
  const firstBytes = middle(runsOf('first'), 'storedBytes');
  return (['first', 'day', 'random', 'table'] as const).flatMap((work) => {
    const runs = runsOf(work);
    if (runs === undefined) return [];
    const bytes = middle(runs, work === 'table' ? 'readBytes' : 'storedBytes');
    const share = bytes / (work === 'table' ? sourceBytes : firstBytes);
    const below = shareTargets.find((target) => target.work === work)?.below;
    const verdict = below === undefined ? ['', ''] : [`< ${percent(below)}`, share < below ? 'met' : '**missed**'];
    const cells = [dumpWorks[work], `${dataSet}, ${formatBytes(sourceBytes)}`, formatBytes(bytes)];
    return [`| ${[...cells, work === 'first' ? '' : percent(share), ...verdict].join(' | ')} |`];
  });
}

/** Sizes do not depend on what else the machine does. */
function middle(runs: readonly MeasuredRun[] = [], figure: 'storedBytes' | 'readBytes'): number {
  return median(countedRuns(runs).flatMap((run) => run[figure] ?? []));
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
