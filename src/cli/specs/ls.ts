import { flag, type CommandSpec } from '../spec.ts';
import { snapshotFlags } from './snapshotFlags.ts';

const { path: _, ...filterFlags } = snapshotFlags;

export const lsSpec = {
  name: 'ls',
  summary: 'List what a snapshot holds',
  description:
    'A path that does not begin with a slash starts at the directory of the source: `latest:pgdata/base`. With `latest`, ' +
    'the flags say of which snapshots the newest is meant.',
  arguments: [
    { name: 'snapshot[:path]', description: 'id, beginning of an id, `latest`, `latest~1`, and a path in it' },
  ],
  options: {
    long: flag('-l, --long', 'Mode, owner, size and time of each entry.'),
    recursive: flag('-R, --recursive', 'Everything below, too.'),
    ...filterFlags,
  },
  examples: [
    { command: 'ls latest', meaning: 'the top of the newest snapshot' },
    { command: 'ls -l latest:pgdata --source main', meaning: 'the data directory in the newest backup of a source' },
    { command: 'ls -R 1a2b3c4d --json', meaning: 'everything, one object for each' },
  ],
} as const satisfies CommandSpec;
