import type { CommandSpec } from '../spec.ts';
import { walFlags } from './walFlags.ts';

export const walPushSpec = {
  name: 'wal push',
  summary: 'Archive one WAL file; for archive_command',
  description:
    'Succeeds only when the file is durable in the repository. The same file again is a success; another one under the ' +
    'same name is refused. With --spool a background process stores all files that wait, several at a time; ' +
    '"understudy doctor" prints the whole archive_command for that.',
  arguments: [{ name: 'path', description: 'the file, as PostgreSQL gives it in %p', complete: 'file' }],
  options: walFlags,
  examples: [
    { command: 'wal push "%p"', meaning: 'as archive_command: every segment opens the repository' },
    {
      command: 'wal push --spool /var/lib/postgresql/understudy "%p"',
      meaning: 'as archive_command: a background process keeps the repository open and stores ahead',
    },
  ],
} as const satisfies CommandSpec;
