import type { CommandRun } from '../command.ts';
import { decide } from '../plan/decide.ts';
import type { planApproveSpec } from '../specs/plan.ts';

export const run: CommandRun<typeof planApproveSpec> = (ctx, invocation) => {
  const { decline, note } = invocation.options;
  return decide(ctx, invocation, { action: decline ? 'decline' : 'approve', reason: note ?? '' });
};
