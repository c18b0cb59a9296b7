import { measure, type Sample, type Surroundings, type Work } from './measure.ts';

/** One tool in one case. */
export interface Participant {
  readonly name: string;
  /** Before the first round. */
  begin?(): Promise<void>;
  /** Before each run, not measured. */
  prepare?(): Promise<void>;
  readonly work: Work;
  /** Directories that are read into the page cache before each run. */
  readonly sources: readonly string[];
  /** After each run, not measured; what it returns belongs to the run. */
  inspect?(): Promise<Partial<Pick<MeasuredRun, 'storedBytes' | 'readBytes'>>>;
  /** Once, after the last run: throws when the tool did not do what it was measured for. */
  check?(): Promise<void>;
}

export interface RoundsOptions {
  /** Clean runs of each participant. */
  readonly runs: number;
  /** A run with more of the machine used by others is not clean. */
  readonly foreignLimit: number;
  /** Every participant runs in every round, since its next run builds on this one. */
  readonly inStep?: boolean;
  /** Before each round, e.g. to change the source. */
  beforeRound?(round: number): Promise<void>;
  /** Told about each run. */
  readonly report: (line: string) => void;
}

export interface MeasuredRun extends Sample {
  readonly clean: boolean;
  readonly storedBytes?: number;
  /** By all processes of the tool, whatever they read. */
  readonly readBytes?: number;
}

export interface Result {
  readonly name: string;
  readonly runs: readonly MeasuredRun[];
  /** Why there is no result, or not the whole. */
  readonly failure?: string;
}

/** So often as many rounds as clean runs are wanted, then what there is has to do. */
const patience = 3;
const longestFailure = 600;

/**
 * Measures the participants in alternation, each round beginning with another one, until each has its clean runs.
 * One that fails, or whose work proves wrong, is not run again and has a `failure`; the others go on.
 */
export async function measureInRounds(
  participants: readonly Participant[],
  surroundings: Omit<Surroundings, 'sources'>,
  options: RoundsOptions,
): Promise<Result[]> {
  const runs = new Map<string, MeasuredRun[]>(participants.map(({ name }) => [name, []]));
  const failures = new Map<string, string>();
  const attempt = async (name: string, action: () => Promise<void>) => {
    try {
      await action();
    } catch (error) {
      surroundings.signal.throwIfAborted();
      const failure = oneLine(error instanceof Error ? error.message : String(error));
      failures.set(name, failure);
      options.report(`  ${name}: FAILED: ${failure}`);
    }
  };
  const wants = ({ name }: Participant) => cleanOnes(runs.get(name)).length < options.runs && !failures.has(name);
  for (const participant of participants) await attempt(participant.name, async () => participant.begin?.());
  for (let round = 0; round < patience * options.runs && participants.some(wants); round++) {
    await options.beforeRound?.(round);
    for (const participant of rotated(participants, round)) {
      if (failures.has(participant.name) || (options.inStep !== true && !wants(participant))) continue;
      await attempt(participant.name, async () => {
        const run = await runOnce(participant, surroundings, options);
        runs.get(participant.name)?.push(run);
        options.report(describeRun(participant.name, run));
      });
    }
  }
  for (const participant of participants) {
    if (!failures.has(participant.name)) await attempt(participant.name, async () => participant.check?.());
  }
  return participants.map(({ name }) => {
    const failure = failures.get(name);
    return { name, runs: runs.get(name) ?? [], ...(failure === undefined ? {} : { failure }) };
  });
}

/** The clean runs; where there is none, all of them. */
export function countedRuns(runs: readonly MeasuredRun[]): readonly MeasuredRun[] {
  const clean = cleanOnes(runs);
  return clean.length > 0 ? clean : runs;
}

async function runOnce(
  participant: Participant,
  surroundings: Omit<Surroundings, 'sources'>,
  { foreignLimit }: RoundsOptions,
): Promise<MeasuredRun> {
  await participant.prepare?.();
  const sample = await measure(participant.work, { ...surroundings, sources: participant.sources });
  return { ...sample, clean: sample.foreignShare <= foreignLimit, ...(await participant.inspect?.()) };
}

function cleanOnes(runs: readonly MeasuredRun[] = []): MeasuredRun[] {
  return runs.filter(({ clean }) => clean);
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const first = by % Math.max(1, items.length);
  return [...items.slice(first), ...items.slice(0, first)];
}

function describeRun(name: string, { wallMs, cpuSeconds, foreignShare, peakRssBytes, clean }: MeasuredRun): string {
  const figures = [
    `${(wallMs / 1000).toFixed(2)} s`,
    `cpu ${cpuSeconds.toFixed(2)} s`,
    `foreign ${(foreignShare * 100).toFixed(0)} %`,
    `${Math.round(peakRssBytes / 2 ** 20)} MiB`,
  ];
  return `  ${name}: ${figures.join(', ')}${clean ? '' : ' (not counted: the machine was busy)'}`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').slice(0, longestFailure);
}
