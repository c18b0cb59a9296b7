import { z } from 'zod';
import { assert } from '../../base/errors.ts';
import { approvalKind } from '../nextActions.ts';
import { defineStepKind } from '../stepKind.ts';

/** A question to a person. The engine asks it, and the time until the answer counts as human waiting. */
export const approveKind = defineStepKind({
  name: approvalKind,
  shape: {
    prompt: z.string().min(1).describe('What the person is asked to look at and to confirm.'),
  },
  repeatable: () => true,
  run: () => {
    assert(false, 'the engine asks for approvals itself');
  },
  byHand: ({ prompt }) => `# ${prompt}`,
});
