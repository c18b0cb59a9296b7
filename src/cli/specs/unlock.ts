import { flag, type CommandSpec } from '../spec.ts';

export const unlockSpec = {
  name: 'unlock',
  summary: 'Remove locks of processes that are gone',
  description:
    'Removes locks that nobody refreshed for half an hour and those of processes of this machine that no longer run. ' +
    'Locks of understudy itself are removed by whoever comes upon them; this is for those of other clients.',
  options: {
    removeAll: flag(
      '--remove-all',
      'Remove every lock, also of processes that may be at work: only when you know better.',
    ),
  },
  examples: [
    { command: 'unlock', meaning: 'after a client was killed' },
    { command: 'unlock --remove-all', meaning: 'after a machine with a lock was lost' },
  ],
} as const satisfies CommandSpec;
