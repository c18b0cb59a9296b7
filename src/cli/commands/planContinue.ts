import type { CommandRun } from '../command.ts';
import { decide } from '../plan/decide.ts';
import type { planContinueSpec } from '../specs/plan.ts';

export const run: CommandRun<typeof planContinueSpec> = (ctx, invocation) =>
  decide(ctx, invocation, { action: 'continue', reason: '' });
