import { OperationError } from '../../base/errors.ts';
import { findRun, loadRun } from '../../recovery/runDirectory.ts';
import { stepKinds } from '../../recovery/stepKinds.ts';
import type { CommandRun } from '../command.ts';
import { openEvidence } from '../evidence/chooseEvidence.ts';
import { keepEvidence } from '../evidence/keepEvidence.ts';
import { runsDirectory } from '../plan/runPlaces.ts';
import type { evidenceStoreSpec } from '../specs/evidence.ts';

export const run: CommandRun<typeof evidenceStoreSpec> = async (ctx, invocation) => {
  const { options, printer, arguments: names } = invocation;
  const found = loadRun(findRun(runsDirectory(options), names[0] ?? ''), stepKinds);
  const { id } = found.places;
  if (found.state.verdict === undefined) {
    throw new OperationError('usage', `run ${id} is not over`, { hint: 'its evidence is stored when it ends' });
  }
  const { all } = await openEvidence(ctx, invocation);
  if (all.some(({ original }) => original.report.id === id)) return printer.remark(`${id} is stored already`);
  const { kept } = await keepEvidence(ctx, invocation, found);
  if (kept !== 'stored') {
    throw new OperationError('evidence-not-stored', `the evidence of ${id} is still not stored`, {
      hint: 'the warning says why',
    });
  }
  printer.result('evidence_stored', { run: id }, () => `stored the evidence of ${id}`);
};
