import type { Surroundings } from './measure.ts';
import type { BenchOptions, CaseName } from './options.ts';
import type { Program } from './program.ts';
import { measureInRounds, type Participant, type Result, type RoundsOptions } from './rounds.ts';
import type { Workspace } from './workspace.ts';

/** What every case is given. */
export interface Bench {
  readonly signal: AbortSignal;
  readonly options: BenchOptions;
  readonly workspace: Workspace;
  readonly program: Program;
  /** Peers that are on this machine. */
  readonly installed: ReadonlySet<string>;
  readonly report: (line: string) => void;
}

export interface CaseResult {
  readonly case: CaseName;
  /** Title of the data set. */
  readonly dataSet: string;
  /** What there is to back up, restore, archive: for the tables. */
  readonly sourceBytes: number;
  readonly results: readonly Result[];
}

export interface CaseParticipants {
  readonly case: CaseName;
  readonly dataSet: string;
  readonly sourceBytes: number;
  readonly participants: readonly Participant[];
  readonly serverProcessIds: Surroundings['serverProcessIds'];
  readonly rounds?: Pick<RoundsOptions, 'inStep' | 'beforeRound'>;
}

/** Measures one case as the options of this bench say. */
export async function measureCase(bench: Bench, measured: CaseParticipants): Promise<CaseResult> {
  const { signal, options } = bench;
  const { participants, serverProcessIds, rounds, ...head } = measured;
  bench.report(`${head.case}, ${head.dataSet}`);
  const { quietTimeoutMs, runs, foreignLimit } = options;
  const results = await measureInRounds(
    participants,
    { signal, serverProcessIds, quietTimeoutMs },
    { runs, foreignLimit, report: bench.report, ...rounds },
  );
  return { ...head, results };
}
