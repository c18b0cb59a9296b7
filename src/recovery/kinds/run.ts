import { defineStepKind } from '../stepKind.ts';
import { checkCommand, commandByHand, commandShape, runCommand } from './runCommand.ts';

/** Runs a program; it has succeeded when its exit status is 0. */
export const runKind = defineStepKind({
  name: 'run',
  shape: commandShape,
  secretKeys: ['environment'],
  repeatable: () => false,
  check: checkCommand,
  run: async (ctx, options, step) => {
    const lines = await runCommand(ctx, options, { step });
    return { summary: 'the program ended with status 0', facts: { outputLines: lines } };
  },
  byHand: commandByHand,
});
