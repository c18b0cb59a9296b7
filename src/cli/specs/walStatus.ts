import type { CommandSpec } from '../spec.ts';
import { connectionFlags } from './connectionFlags.ts';
import { walFlags } from './walFlags.ts';

export const walStatusSpec = {
  name: 'wal status',
  summary: 'Show what the WAL archive holds, what it lacks, and how far behind it is',
  description:
    'Asks the server too, when one is configured or named. Ends with status 1 when WAL is missing and no base backup has ' +
    'been taken since: one cannot recover to the present then.',
  arguments: [{ name: 'source', description: 'name from understudy.yaml, when there are several', count: 'optional' }],
  options: { ...connectionFlags, spool: walFlags.spool, cluster: walFlags.cluster },
  examples: [
    { command: 'wal status', meaning: 'ranges and gaps per timeline, and the lag behind the server' },
    { command: 'wal status --json', meaning: 'for monitoring' },
  ],
} as const satisfies CommandSpec;
