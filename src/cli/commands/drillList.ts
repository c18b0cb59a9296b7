import type { CommandRun } from '../command.ts';
import { printRuns } from '../plan/listRuns.ts';
import { runsDirectory } from '../plan/runPlaces.ts';
import type { drillListSpec } from '../specs/drill.ts';

export const run: CommandRun<typeof drillListSpec> = (_ctx, invocation) =>
  printRuns(invocation, runsDirectory(invocation.options), ({ report }) => report.type === 'drill');
