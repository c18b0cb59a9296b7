import { count, flag, text, withDefault, type CommandSpec } from '../spec.ts';
import { connectionFlags } from './connectionFlags.ts';

export const restoreDatabaseSpec = {
  name: 'restore database',
  summary: 'Bring back databases of a logical backup',
  description:
    'A database is built under another name and gets its own when it is complete; one that holds something is refused, ' +
    'or with --clean dropped in the end. Server version, extensions and roles are checked before anything is changed, ' +
    'and the first error of pg_restore makes the restore fail. The server is that of the source, or the one that the ' +
    'connection options name.',
  arguments: [{ name: 'database', description: 'names in the backup; default all', count: 'many' }],
  options: {
    snapshot: withDefault(text('--snapshot <id>', 'The backup: an id or `latest`.'), 'latest'),
    source: text('--source <name>', 'Whose backup; needed where the repository has several sources.'),
    ...connectionFlags,
    into: text('--into <name>', 'Restore one database under this name.'),
    schema: text('--schema <name>', 'Only this schema, into a new database or one that does not have it.'),
    clean: flag('--clean', 'Replace databases that are there: the old one is dropped when the new one is complete.'),
    noOwner: flag('--no-owner', 'Everything belongs to the role that restores.'),
    noAcl: flag('--no-acl', 'Grant no rights.'),
    withGlobals: flag('--with-globals', 'Create the roles of the backup that are not there; others stay as they are.'),
    jobs: count('--jobs <number>', 'Tables and indexes that are restored at once; default 4.'),
    keepFailed: flag('--keep-failed', 'Leave a database that could not be completed, for a look at it.'),
    dryRun: flag('-n, --dry-run', 'Check everything and show what would be done; change nothing.'),
  },
  examples: [
    {
      command: 'restore database --source shop-dump --host db2 --with-globals',
      meaning: 'everything, on a new server',
    },
    { command: 'restore database shop --into shop_staging', meaning: 'a copy beside the live database' },
    { command: 'restore database shop --snapshot 1a2b3c4d --clean --dry-run', meaning: 'what replacing it would do' },
  ],
} as const satisfies CommandSpec;
