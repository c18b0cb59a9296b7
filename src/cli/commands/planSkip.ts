import { OperationError } from '../../base/errors.ts';
import type { CommandRun } from '../command.ts';
import { decide } from '../plan/decide.ts';
import type { planSkipSpec } from '../specs/plan.ts';

export const run: CommandRun<typeof planSkipSpec> = async (ctx, invocation) => {
  const { reason } = invocation.options;
  if (reason === undefined || reason === '') {
    throw new OperationError('usage', 'a step is left out for a reason', { hint: 'say it: --reason "..."' });
  }
  return decide(ctx, invocation, { action: 'skip', reason });
};
