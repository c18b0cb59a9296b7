import { directory, flag, text, type CommandSpec } from '../spec.ts';
import { connectionFlags } from './connectionFlags.ts';

const { database: _, ...serverFlags } = connectionFlags;

export const restoreTableSpec = {
  name: 'restore table',
  summary: 'Bring back tables as they were, beside the live ones',
  description:
    'With a time or another target from a physical backup: the cluster is recovered in a sandbox on this machine, and the ' +
    'tables are taken from there. Else from a logical backup, of which only these tables are read. A restored table has ' +
    'its rows, indexes, constraints, defaults and comments; it has no foreign keys, triggers and policies, and only its ' +
    'owner may read it. The live table is touched only with --replace, which in one transaction puts the old rows in ' +
    'place of the present ones and leaves all around them (rights, triggers, foreign keys, views) as it is.',
  arguments: [{ name: 'table', description: '`schema.table`; without a schema it is public', count: 'many' }],
  options: {
    into: text('--into <database>', 'The database that gets the tables.'),
    as: text('--as <name>', 'Name of the restored table; default its own if that is free, else with `_restored`.'),
    replace: flag('--replace', 'Replace the rows of the live table.'),
    at: text('--at <time>', 'As at this time, with a zone: `2026-11-21 10:42:00+01:00`.'),
    lsn: text('--lsn <position>', 'As at this WAL position.'),
    xid: text('--xid <id>', 'As at the end of this transaction.'),
    name: text('--name <name>', 'As at this restore point.'),
    exclusive: flag('--exclusive', 'Stop just before the target instead of behind it.'),
    snapshot: text('--snapshot <id>', 'The backup: an id or `latest`; with a target the one to start from.'),
    source: text('--source <name>', 'Whose backup; needed where the repository has several sources.'),
    from: text(
      '--from <database>',
      'Database that had the tables; default the one named as with --into, or the only one.',
    ),
    ...serverFlags,
    scratch: directory('--scratch <directory>', 'Where the sandbox is made; it needs room for the whole cluster.'),
    dryRun: flag('-n, --dry-run', 'Check everything and show what would be done; change nothing.'),
  },
  examples: [
    {
      command: 'restore table events --at "2026-11-22 10:42:00+00" --into shop --as events_recovered',
      meaning: 'one table as it was at that moment, beside the live one',
    },
    { command: 'restore table auth.users --snapshot latest --source shop-dump --into shop', meaning: 'from a dump' },
    {
      command: 'restore table prices --xid 81542 --exclusive --into shop --replace',
      meaning: 'undo what happened to it',
    },
  ],
} as const satisfies CommandSpec;
