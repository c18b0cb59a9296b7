import { choice, count, directory, flag, list, text, withDefault, type CommandSpec } from '../spec.ts';
import { recoveryTargetFlags } from './recoveryTargetFlags.ts';

export const restoreSpec = {
  name: 'restore',
  summary: 'Bring back a cluster as it was at a point in time',
  description:
    'Restores the backup from which the target is reached fastest, and writes the settings with which PostgreSQL, once ' +
    'started, recovers to it; with --start that is done too. Without a target everything that is archived comes back. ' +
    'Nothing is written before the backup and all WAL up to the target are known to be there. An interrupted restore is ' +
    'run again with --delta.',
  arguments: [
    {
      name: 'snapshot',
      description: 'the backup to start from (id, `latest`); default the newest before the target',
      count: 'optional',
    },
  ],
  options: {
    targetDir: directory('--target-dir <directory>', 'The data directory to restore; created when it is not there.'),
    source: text('--source <name>', 'Whose backups; needed where the repository has several sources.'),
    ...recoveryTargetFlags,
    action: withDefault(
      choice({
        flags: '--action <action>',
        description: 'What the server does at the target.',
        words: ['promote', 'pause', 'shutdown'],
      }),
      'promote',
    ),
    delta: flag('--delta', 'Rewrite only what differs in a directory that holds this cluster, or a part of it.'),
    force: flag('--force', 'Replace the data directory that is there.'),
    tablespaceMap: list(
      '--tablespace-map <old=new>',
      'Where a tablespace goes, by its directory or name; several times.',
    ),
    tablespacesIn: directory('--tablespaces-in <directory>', 'All other tablespaces go into directories in this one.'),
    standby: flag('--standby', 'Stay a standby instead of ending recovery.'),
    primaryConninfo: text(
      '--primary-conninfo <conninfo>',
      'What the standby follows; it is kept in the data directory.',
    ),
    primarySlot: text('--primary-slot <name>', 'Replication slot that the standby uses.'),
    owner: text('--owner <user>', 'Who runs the server, for root; default the owner of the directory, or postgres.'),
    dryRun: flag('-n, --dry-run', 'Show what would be done, and where recovery would land; change nothing.'),
    verifyWal: flag('--verify-wal', 'Fetch and check all WAL that is needed before anything is written.'),
    start: flag('--start', 'Start the server, wait until recovery has ended, and leave it running.'),
    stopAfter: flag('--stop-after', 'With --start: stop it again when recovery has ended.'),
    threads: count('--threads <number>', 'Threads that restore; default one a core.'),
  },
  examples: [
    {
      command: 'restore --at "2026-11-21 10:42:00+01:00" --target-dir /srv/restored --dry-run',
      meaning: 'what a recovery to that second would do',
    },
    { command: 'restore --target-dir /var/lib/postgresql/15/main --delta --start', meaning: 'everything, in place' },
    {
      command: 'restore --xid 81542 --exclusive --target-dir /srv/restored --tablespaces-in /srv/spaces',
      meaning: 'to just before the transaction that did the damage',
    },
  ],
} as const satisfies CommandSpec;
