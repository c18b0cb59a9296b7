import { count, text, type CommandSpec } from '../spec.ts';
import { snapshotFlags } from './snapshotFlags.ts';

export const snapshotsSpec = {
  name: 'snapshots',
  summary: 'List snapshots',
  arguments: [
    { name: 'snapshot', description: 'ids, beginnings of ids, `latest`, `latest~1`; default all', count: 'many' },
  ],
  options: {
    ...snapshotFlags,
    latest: count('--latest <n>', 'Only the newest n of each group.'),
    groupBy: text('--group-by <what>', 'One table for each of: host, paths, tags (`host,paths`).'),
  },
  examples: [
    { command: 'snapshots', meaning: 'all of them, oldest first' },
    { command: 'snapshots --source main --latest 1', meaning: 'the newest one of a source' },
    { command: 'snapshots --json', meaning: 'one object for each, with all that is known' },
  ],
} as const satisfies CommandSpec;
