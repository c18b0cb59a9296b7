import { writeFileAtomic } from '../../base/atomicFile.ts';
import { runbookPage, runbookText } from '../../recovery/runbook.ts';
import { stepKinds } from '../../recovery/stepKinds.ts';
import type { CommandRun } from '../command.ts';
import { requirePlan } from '../plan/checkedPlan.ts';
import { findPlan } from '../plan/planFile.ts';
import { contacts } from '../plan/runPlaces.ts';
import type { planPrintSpec } from '../specs/plan.ts';

/** Readable by everybody: it holds no secret, and is printed and put up. */
const paperMode = 0o644;

export const run: CommandRun<typeof planPrintSpec> = async (_ctx, invocation) => {
  const { printer, options, arguments: names } = invocation;
  const { plan } = requirePlan(await findPlan(invocation, names[0] ?? ''));
  const { config } = await invocation.loadConfig();
  const paper = { kinds: stepKinds, contacts: await contacts(invocation), repository: config.repository.location };
  const text = options.format === 'html' ? runbookPage(plan, paper) : runbookText(plan, paper);
  if (options.output === undefined) {
    printer.result('runbook', { plan: plan.name, format: options.format, text }, () => text.trimEnd());
    return;
  }
  writeFileAtomic(options.output, Buffer.from(text), { mode: paperMode });
  printer.remark(`wrote ${options.output}`);
};
