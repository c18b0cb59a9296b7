import { OperationError } from '../../base/errors.ts';
import type { CommandRun } from '../command.ts';
import { beginPlan, resumePlan } from '../plan/carryOutPlan.ts';
import type { planRunSpec } from '../specs/plan.ts';

export const run: CommandRun<typeof planRunSpec> = async (ctx, invocation) => {
  const [name] = invocation.arguments;
  const { resume, set } = invocation.options;
  if ((name === undefined) === (resume === undefined)) {
    throw new OperationError('usage', 'plan run needs either a plan or --resume', { hint: '`understudy plan list`' });
  }
  if (resume === undefined) return beginPlan(ctx, invocation, { name: name ?? '' });
  if (set.length > 0) {
    throw new OperationError('usage', '--set and --resume exclude each other', {
      hint: 'a run keeps the values with which it began',
    });
  }
  return resumePlan(ctx, invocation, resume);
};
