import { worstOf } from '../../monitor/finding.ts';
import { verdictSentence } from '../../monitor/verdict.ts';
import type { CommandRun } from '../command.ts';
import { statusText } from '../monitor/statusText.ts';
import { survey } from '../monitor/survey.ts';
import { surveyFields } from '../monitor/surveyFields.ts';
import type { statusSpec } from '../specs/status.ts';

export const run: CommandRun<typeof statusSpec> = async (ctx, invocation) => {
  const { printer, terminal, options } = invocation;
  const surveyed = await survey(ctx, invocation, { newest: options.last });
  const { findings } = surveyed;
  const verdict = verdictSentence(findings);
  const fields = { severity: worstOf(findings), verdict, ...surveyFields(surveyed) };
  printer.result('status', fields, () => statusText(surveyed, { terminal, last: options.last }));
};
