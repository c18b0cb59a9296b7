import type { CommandRun } from '../command.ts';
import { beginPlan, sandboxesDirectory } from '../plan/carryOutPlan.ts';
import type { drillRunSpec } from '../specs/drill.ts';

export const run: CommandRun<typeof drillRunSpec> = async (ctx, invocation) => {
  const sandboxes = await sandboxesDirectory(invocation, invocation.options.scratch);
  return beginPlan(ctx, invocation, { name: invocation.arguments[0] ?? '', sandboxes });
};
