import { z } from 'zod';
import { defineStepKind } from '../stepKind.ts';
import { checkCommand, commandByHand, commandShape, runCommand } from './runCommand.ts';

/** Tells somebody something: a program gets the message on its standard input. */
export const notifyKind = defineStepKind({
  name: 'notify',
  shape: {
    ...commandShape,
    message: z.string().min(1).describe('What is said; the program reads it from its standard input.'),
  },
  secretKeys: ['environment'],
  repeatable: () => false,
  check: checkCommand,
  run: async (ctx, { message, ...command }, step) => {
    await runCommand(ctx, command, { step, input: Buffer.from(`${message}\n`) });
    return { summary: 'the message was handed over' };
  },
  byHand: ({ message, ...command }) => `# message: ${message}\n${commandByHand(command)}`,
});
