import { parseLsn, type Lsn } from '../../postgres/lsn.ts';
import { directory, duration, flag, text, type CommandSpec, type OptionSpec } from '../spec.ts';
import { connectionFlags } from './connectionFlags.ts';
import { walFlags } from './walFlags.ts';

const stopAtLsn: OptionSpec<Lsn | undefined> = {
  flags: '--stop-at-lsn <lsn>',
  description: 'End when the repository has the WAL up to here.',
  initial: undefined,
  read: (value) => parseLsn(value),
};

export const walReceiveSpec = {
  name: 'wal receive',
  summary: 'Stream WAL from a server into the repository',
  description:
    'Runs until it is stopped (SIGTERM), reconnects, follows promotions. The server keeps WAL in a replication slot until ' +
    'it is durable here or in the repository, so that nothing is lost while the receiver is away. List the name of the slot ' +
    'in synchronous_standby_names, and no commit is lost when the server dies.',
  arguments: [
    {
      name: 'source',
      description: 'name from understudy.yaml, when there are several; or the name to give to the cluster',
      count: 'optional',
    },
  ],
  options: {
    ...connectionFlags,
    slot: text('--slot <name>', 'Physical replication slot, created when absent; also the application_name.'),
    spool: directory('--spool <directory>', 'Private directory for WAL that is not yet in the repository.'),
    cluster: walFlags.cluster,
    untilCaughtUp: flag('--until-caught-up', 'End when the repository has all WAL that the server has now.'),
    stopAtLsn,
    recreateSlot: flag('--recreate-slot', 'Make a slot that has lost its WAL anew, and go on behind the gap.'),
    partialInterval: duration(
      '--partial-interval <duration>',
      'How often the unfinished segment is stored while it grows; default 2s.',
    ),
  },
  examples: [
    { command: 'wal receive', meaning: 'the source that is configured; run it as a service' },
    { command: 'wal receive shop --host db1 --user backup', meaning: 'from a server that is not configured' },
    { command: 'wal receive --until-caught-up', meaning: 'fetch what there is and end' },
  ],
} as const satisfies CommandSpec;
