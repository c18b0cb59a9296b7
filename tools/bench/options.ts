import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { projectRoot } from '../projectFiles.ts';

export const caseNames = [
  'full',
  'unchanged',
  'restore',
  'delta-damaged',
  'delta-unchanged',
  'verify',
  'updates',
  'wal-push',
  'wal-receive',
  'wal-replay',
  'dump',
  'large',
] as const;

export type CaseName = (typeof caseNames)[number];

export interface BenchOptions {
  /** 1 = the sizes of the published figures. */
  readonly scale: number;
  /** Clean runs of each tool in each case. */
  readonly runs: number;
  readonly cases: readonly CaseName[];
  readonly directory: string;
  readonly keep: boolean;
  /** Write docs/benchmarks.md. */
  readonly write: boolean;
  readonly quietTimeoutMs: number;
  /** Runs with more foreign CPU than this are not counted. */
  readonly foreignLimit: number;
}

export const help = `npm run bench -- [options]

Measures this package against pgBackRest, restic, pg_basebackup, pg_receivewal and cp, in alternation; and what its
dumps store and read.

  --quick            a smoke run: 1 % of the data, one run, whatever else the machine does
  --scale <number>   size of the data sets; 1 is 3 GB of pgbench rows, 2 GB of realistic rows, 200 WAL segments
  --runs <n>         clean runs of each tool in each case (default 3)
  --only <a,b>       these cases: ${caseNames.join(', ')}
  --large            also back up a cluster of 20 GB and compare the memory
  --directory <dir>  where everything is built (default .bench/; user postgres must be able to reach it)
  --keep             keep the data sets for the next time
  --write            write docs/benchmarks.md (a full run does so anyway)

Results are added to results.json in the directory: cases can be measured one after the other.
`;

const quickScale = 0.01;

/** Undefined for --help. Throws a TypeError with a readable message. */
export function parseOptions(words: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...words],
    options: {
      quick: { type: 'boolean', default: false },
      scale: { type: 'string' },
      runs: { type: 'string' },
      only: { type: 'string' },
      large: { type: 'boolean', default: false },
      directory: { type: 'string' },
      keep: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const scale = positive('--scale', values.scale ?? (values.quick ? String(quickScale) : '1'));
  const cases = chosenCases(values.only, values.large);
  return {
    scale,
    runs: Math.ceil(positive('--runs', values.runs ?? (values.quick ? '1' : '3'))),
    cases,
    directory: resolve(values.directory ?? join(projectRoot, '.bench')),
    keep: values.keep,
    write: values.write || (scale === 1 && values.only === undefined),
    quietTimeoutMs: values.quick ? 0 : 60_000,
    foreignLimit: values.quick ? Infinity : 0.15,
  };
}

function chosenCases(only: string | undefined, large: boolean): readonly CaseName[] {
  const wanted = only?.split(',') ?? caseNames.filter((name) => name !== 'large');
  const unknown = wanted.filter((name) => !caseNames.some((known) => known === name));
  if (unknown.length > 0) throw new TypeError(`--only: there is no case ${unknown.join(', ')}`);
  return caseNames.filter((name) => wanted.includes(name) || (large && name === 'large'));
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new TypeError(`${option}: expected a number above 0, found "${text}"`);
}
