import type { CommandRun } from '../command.ts';
import { chooseEvidence, openEvidence } from '../evidence/chooseEvidence.ts';
import { evidenceColumns, evidenceRows } from '../evidence/describeEvidence.ts';
import type { evidenceListSpec } from '../specs/evidence.ts';
import { formatTable } from '../table.ts';

export const run: CommandRun<typeof evidenceListSpec> = async (ctx, invocation) => {
  const { options, printer, terminal } = invocation;
  const { all } = await openEvidence(ctx, invocation);
  const rows = evidenceRows(chooseEvidence(all, options, ctx.clock.now()));
  if (printer.json) for (const row of rows) printer.result('evidence', { ...row }, () => '');
  else if (rows.length === 0) printer.remark('there is no evidence of that');
  else printer.result('evidence_list', {}, () => formatTable(terminal, evidenceColumns, rows));
};
