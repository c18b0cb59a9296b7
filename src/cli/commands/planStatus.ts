import { findRun } from '../../recovery/runDirectory.ts';
import type { CommandRun } from '../command.ts';
import { evidenceText } from '../plan/describeRun.ts';
import { evidenceOf, printRuns } from '../plan/listRuns.ts';
import { runsDirectory } from '../plan/runPlaces.ts';
import type { planStatusSpec } from '../specs/plan.ts';

export const run: CommandRun<typeof planStatusSpec> = async (_ctx, invocation) => {
  const runs = runsDirectory(invocation.options);
  const [name] = invocation.arguments;
  if (name === undefined) return printRuns(invocation, runs, () => true);
  const evidence = await evidenceOf(invocation, findRun(runs, name));
  invocation.printer.result('run', { evidence }, () => evidenceText(evidence));
};
