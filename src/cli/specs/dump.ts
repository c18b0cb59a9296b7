import { file, type CommandSpec } from '../spec.ts';
import { snapshotFlags } from './snapshotFlags.ts';

const { path: _, ...filterFlags } = snapshotFlags;

export const dumpSpec = {
  name: 'dump',
  summary: 'Write the content of one file of a snapshot',
  description:
    'To standard output, or to a file that does not exist yet. Everything is authenticated before it is written.',
  arguments: [
    { name: 'snapshot', description: 'id, beginning of an id, `latest`, `latest~1`' },
    { name: 'path', description: 'of the file; without a slash in front it starts at the directory of the source' },
  ],
  options: {
    target: file('--target <file>', 'Write to this file instead; it appears when it is complete.'),
    ...filterFlags,
  },
  examples: [
    { command: 'dump latest pgdata/PG_VERSION', meaning: 'the version of the cluster in the newest snapshot' },
    { command: 'dump 1a2b3c4d /main/pgdata/postgresql.conf --target old.conf', meaning: 'one file as it was' },
  ],
} as const satisfies CommandSpec;
