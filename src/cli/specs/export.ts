import { directory, text, type CommandSpec } from '../spec.ts';

export const exportSpec = {
  name: 'export',
  summary: 'Write a logical backup as one ordinary archive of pg_dump',
  description:
    'The file is in custom format: stock pg_restore takes it, whole or in part, on any machine. A backup in parts is ' +
    'restored into a sandbox and dumped from there as one; that needs server programs of its version, the extensions ' +
    'that it uses, and room for the database.',
  arguments: [
    { name: 'snapshot', description: 'the backup: an id or `latest`' },
    { name: 'file', description: 'where to write; must not exist', complete: 'file' },
  ],
  options: {
    database: text('--database <name>', 'Which database; needed where the backup holds several.'),
    source: text('--source <name>', 'Of `latest`: whose backup.'),
    scratch: directory('--scratch <directory>', 'Where the sandbox is made.'),
  },
  examples: [{ command: 'export latest shop.dump --database shop', meaning: 'a file for pg_restore --dbname shop' }],
} as const satisfies CommandSpec;
