import { count, directory, flag, type CommandSpec } from '../spec.ts';

export const demoSpec = {
  name: 'demo',
  summary: 'Lose a database and get it back, in under two minutes',
  description:
    'Creates a throwaway PostgreSQL cluster with an events application, puts load on it, backs it up, streams its WAL, destroys ' +
    'it, recovers it to the moment before, compares every row with what was committed, and proves the backup in a sandbox. ' +
    'Nothing outside its own directory is touched, and that is removed at the end.',
  options: {
    keep: flag('--keep', 'Keep the directory with repository and recovered cluster, and say where it is.'),
    directory: directory('--directory <path>', 'Where to make its directory; default the system temporary directory.'),
    major: count('--major <version>', 'Major version of PostgreSQL; default the best one that is found here.'),
    events: count('--events <n>', 'Events in the database before the load begins; default 200000, about 200 MB.'),
  },
  examples: [
    { command: 'demo', meaning: 'the whole story' },
    { command: 'demo --keep --major 18', meaning: 'with PostgreSQL 18, and stay to look around' },
  ],
} as const satisfies CommandSpec;
