import { OperationError } from '../../base/errors.ts';
import { parseTimelineId, type TimelineId } from '../../postgres/timeline.ts';
import { isWalSegmentName, type WalSegmentName } from '../../postgres/walSegment.ts';
import { duration, withDefault, type CommandSpec, type OptionSpec } from '../spec.ts';
import { walFlags } from './walFlags.ts';

const timeline: OptionSpec<TimelineId | undefined> = {
  flags: '--timeline <number>',
  description: 'Timeline that the recovery follows, as recovery_target_timeline.',
  initial: undefined,
  read: parseTimelineId,
};

const endAt: OptionSpec<WalSegmentName | undefined> = {
  flags: '--end-at <segment>',
  description: 'End recovery before this segment, and give up what the archive has behind it.',
  initial: undefined,
  read: (name) => {
    if (isWalSegmentName(name)) return name;
    throw new OperationError('usage', `--end-at: "${name}" is not the name of a WAL segment`, {
      hint: 'it has 24 hexadecimal digits in capitals, as pg_walfile_name prints it',
    });
  },
};

export const walGetSpec = {
  name: 'wal get',
  summary: 'Fetch one WAL file from the archive; for restore_command',
  description:
    'Ends with status 1 only when the file is proved to be absent and recovery may end there; on any doubt with 126 or ' +
    'more, which makes PostgreSQL stop instead of opening too early. With --spool a background process fetches ahead; ' +
    '"understudy restore" writes the whole restore_command for that.',
  arguments: [
    { name: 'file', description: 'name of the file, as PostgreSQL gives it in %f' },
    { name: 'target', description: 'where it is to go, as PostgreSQL gives it in %p', complete: 'file' },
  ],
  options: {
    ...walFlags,
    timeline,
    endAt,
    timeout: withDefault(duration('--timeout <duration>', 'Give up (not: end recovery) after this time.'), 60_000),
  },
  examples: [{ command: 'wal get "%f" "%p"', meaning: 'as restore_command' }],
} as const satisfies CommandSpec;
