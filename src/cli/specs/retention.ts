import { count, duration, text, withDefault, type CommandSpec } from '../spec.ts';
import { keepFlags } from './forget.ts';

const dayMs = 86_400_000;

export const retentionSimulateSpec = {
  name: 'retention simulate',
  summary: 'What a policy will have kept after years of backups',
  description:
    'Makes backups and forgets on a simulated calendar, with the very rules of `forget`, and tells how many snapshots ' +
    'there are and how far back in which steps one can go. Touches no repository. The policy is that of understudy.yaml ' +
    'unless rules are given. Sizes are not told: nobody knows what will change.',
  options: {
    years: withDefault(count('--years <n>', 'How long.'), 7),
    every: withDefault(duration('--every <span>', 'Time between two backups.'), dayMs),
    source: text('--source <name>', 'With the policy of this source.'),
    ...keepFlags,
  },
  examples: [
    { command: 'retention simulate --years 7', meaning: 'daily backups under the policy of understudy.yaml' },
    {
      command: 'retention simulate --every 1h --keep-hourly 48 --keep-daily 30 --keep-monthly 12',
      meaning: 'hourly backups under another policy',
    },
  ],
} as const satisfies CommandSpec;

export const retentionAcknowledgeSpec = {
  name: 'retention acknowledge',
  summary: 'Let retention of a source go on after a sharp change',
  description:
    'When the newest backup of a source is less than half of the usual size, or most of it is new where little is ' +
    'usual, `forget` and `prune` leave everything of that source alone: a dropped table or ransomware may be behind it. ' +
    'After you have looked, this says that the newest backup is as it should be.',
  arguments: [{ name: 'source', description: 'name of the source' }],
  options: {},
  examples: [{ command: 'retention acknowledge main', meaning: 'the newest backup of main is what it should be' }],
} as const satisfies CommandSpec;
