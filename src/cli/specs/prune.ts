import { flag, type CommandSpec } from '../spec.ts';
import { pruneFlags } from './pruneFlags.ts';

export const pruneSpec = {
  name: 'prune',
  summary: 'Free the space of what no snapshot needs any more',
  description:
    'May be interrupted at any moment: nothing that a snapshot needs is removed before its copy is durable. WAL goes ' +
    'last: what no base backup that is still there needs, or what the recovery window does not reach.',
  options: {
    dryRun: flag('-n, --dry-run', 'Say what would be done and do nothing.'),
    ...pruneFlags,
  },
  examples: [
    { command: 'prune --dry-run', meaning: 'how much would be freed' },
    { command: 'prune --recovery-window 14d', meaning: 'WAL only for the last two weeks' },
    { command: 'prune --max-repack-size 10G', meaning: 'a bounded part of the work, each night' },
  ],
} as const satisfies CommandSpec;
