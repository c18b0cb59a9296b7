import { existsSync, readFileSync } from 'node:fs';
import { composeEvidence } from '../../recovery/evidence.ts';
import { parseEvidence, type Evidence } from '../../recovery/evidenceSchema.ts';
import { listRunIds, loadRun, runPlaces, type RunPlaces } from '../../recovery/runDirectory.ts';
import { stepKinds } from '../../recovery/stepKinds.ts';
import { isOperationError } from '../../base/errors.ts';
import type { Invocation } from '../command.ts';
import { formatTable } from '../table.ts';
import { runColumns } from './describeRun.ts';
import { configuredSurroundings } from '../evidence/surroundings.ts';

type Needed = Pick<Invocation, 'loadConfig' | 'printer' | 'terminal'>;

/** The evidence of a run: what was written at its end, else what its journal tells by now. */
export async function evidenceOf(invocation: Pick<Invocation, 'loadConfig'>, places: RunPlaces): Promise<Evidence> {
  const run = loadRun(places, stepKinds);
  const written = existsSync(places.evidence) ? parseEvidence(readFileSync(places.evidence)) : undefined;
  if (written !== undefined) return written;
  return composeEvidence(run, await configuredSurroundings(invocation, 'only the journal was read'));
}

/** Prints a line for each run, newest first; one that cannot be read is told. */
export async function printRuns(
  invocation: Needed,
  runs: string,
  wanted: (evidence: Evidence) => boolean,
): Promise<void> {
  const { printer, terminal } = invocation;
  const found: Evidence[] = [];
  for (const id of listRunIds(runs)) {
    try {
      found.push(await evidenceOf(invocation, runPlaces(runs, id)));
    } catch (error) {
      if (!isOperationError(error, 'file-io', 'plan-invalid')) throw error;
      printer.warn(error.message);
    }
  }
  const shown = found.filter(wanted);
  if (printer.json) for (const evidence of shown) printer.result('run', { evidence }, () => '');
  else if (shown.length === 0) printer.remark(`there are none in ${runs}`);
  else printer.result('runs', {}, () => formatTable(terminal, runColumns, shown));
}
