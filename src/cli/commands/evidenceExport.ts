import { resolve } from 'node:path';
import type { CommandRun } from '../command.ts';
import { chooseEvidence, openEvidence } from '../evidence/chooseEvidence.ts';
import { exportEvidence } from '../evidence/exportEvidence.ts';
import { publicKeys } from '../evidence/publicKeys.ts';
import { plural } from '../format.ts';
import type { evidenceExportSpec } from '../specs/evidence.ts';

export const run: CommandRun<typeof evidenceExportSpec> = async (ctx, invocation) => {
  const { options, printer, arguments: names } = invocation;
  const directory = resolve(names[0] ?? '');
  const { all } = await openEvidence(ctx, invocation);
  const evidence = chooseEvidence(all, options, ctx.clock.now());
  const files = exportEvidence(directory, evidence, await publicKeys(invocation, options.publicKey));
  const { chosen, missed } = evidence;
  printer.result('evidence_exported', { directory, reports: chosen.length, missed, files }, () => {
    const missing = missed.length === 0 ? '' : `, ${plural(missed.length, 'month')} without a drill`;
    return `${plural(chosen.length, 'report')}${missing}: ${directory}`;
  });
};
