import type { CommandRun } from '../command.ts';
import { decide } from '../plan/decide.ts';
import type { planPauseSpec } from '../specs/plan.ts';

export const run: CommandRun<typeof planPauseSpec> = (ctx, invocation) =>
  decide(ctx, invocation, { action: 'pause', reason: invocation.options.reason ?? '' });
