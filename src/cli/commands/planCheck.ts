import { OperationError } from '../../base/errors.ts';
import type { CommandRun } from '../command.ts';
import { checkPlanFile } from '../plan/checkedPlan.ts';
import { allPlans, findPlan } from '../plan/planFile.ts';
import type { planCheckSpec } from '../specs/plan.ts';

export const run: CommandRun<typeof planCheckSpec> = async (_ctx, invocation) => {
  const { printer, arguments: names } = invocation;
  const files = names.length === 0 ? await allPlans(invocation) : [];
  for (const name of names) files.push(await findPlan(invocation, name));
  let wrong = 0;
  for (const { path, name, text } of files) {
    const { checked, problems } = checkPlanFile({ path, name, text });
    printer.result('plan_checked', { path, problems }, () =>
      problems.length === 0
        ? `${path}: ${checked?.plan.steps.length} steps, nothing wrong`
        : problems
            .map(({ line, message, hint }) => `${path}:${line}: ${message}${hint === undefined ? '' : `\n  ${hint}`}`)
            .join('\n'),
    );
    if (problems.length > 0) wrong++;
  }
  if (wrong === 0) return;
  throw new OperationError('plan-invalid', `${wrong} of ${files.length} plans cannot be carried out as they are`, {
    hint: 'correct what is listed above',
  });
};
