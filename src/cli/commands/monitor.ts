import { verdictSentence } from '../../monitor/verdict.ts';
import type { CommandRun } from '../command.ts';
import { surveyFields } from '../monitor/surveyFields.ts';
import { pluginStateOf, pluginText } from '../monitor/pluginOutput.ts';
import { survey } from '../monitor/survey.ts';
import type { monitorSpec } from '../specs/monitor.ts';

export const run: CommandRun<typeof monitorSpec> = async (ctx, invocation) => {
  const surveyed = await survey(ctx, invocation, { brief: true });
  const state = pluginStateOf(surveyed);
  const { findings } = surveyed;
  const fields = { state, verdict: verdictSentence(findings), ...surveyFields(surveyed) };
  invocation.printer.result('monitor', fields, () => pluginText(surveyed));
  return state;
};
