import { parseCalendarDuration } from '../../snapshot/calendarDuration.ts';
import { parseKeepCount } from '../../snapshot/retentionPolicy.ts';
import { flag, list, parsed, text, type CommandSpec } from '../spec.ts';
import { pruneFlags } from './pruneFlags.ts';
import { snapshotFlags } from './snapshotFlags.ts';

const keep = (flags: string, what: string) =>
  parsed(flags, `Keep the newest snapshot of each of ${what}.`, parseKeepCount);
const within = (flags: string, what: string) =>
  parsed(flags, `Keep ${what} within this span of the newest.`, parseCalendarDuration);

/** The rules of restic; a snapshot that any of them keeps is kept. */
export const keepFlags = {
  keepLast: parsed('--keep-last <n>', 'Keep the newest n snapshots; `unlimited` keeps all.', parseKeepCount),
  keepHourly: keep('--keep-hourly <n>', 'the last n hours that have one'),
  keepDaily: keep('--keep-daily <n>', 'the last n days that have one'),
  keepWeekly: keep('--keep-weekly <n>', 'the last n weeks that have one'),
  keepMonthly: keep('--keep-monthly <n>', 'the last n months that have one'),
  keepYearly: keep('--keep-yearly <n>', 'the last n years that have one'),
  keepWithin: within('--keep-within <span>', 'all snapshots'),
  keepWithinHourly: within('--keep-within-hourly <span>', 'one snapshot an hour'),
  keepWithinDaily: within('--keep-within-daily <span>', 'one snapshot a day'),
  keepWithinWeekly: within('--keep-within-weekly <span>', 'one snapshot a week'),
  keepWithinMonthly: within('--keep-within-monthly <span>', 'one snapshot a month'),
  keepWithinYearly: within('--keep-within-yearly <span>', 'one snapshot a year'),
  keepTag: list('--keep-tag <tags>', 'Keep snapshots with all of these tags (`a,b`); may be given several times.'),
};

export const forgetSpec = {
  name: 'forget',
  summary: 'Forget snapshots by a policy, or the named ones',
  description:
    'Without rules on the command line those of understudy.yaml (retention) hold; without any nothing is forgotten. ' +
    'Rules count within each source; snapshots of other clients are grouped by host and paths. Snapshots tagged ' +
    '`critical` or `understudy:keep`, and the last good backup of a source, are never forgotten by rules. A source ' +
    'that shrank or was rewritten sharply is left alone until somebody acknowledges it (status 3). ' +
    'Forgetting removes snapshots from the list; --prune frees their space and that of WAL that nobody needs.',
  arguments: [{ name: 'snapshot', description: 'ids or beginnings of ids, instead of rules', count: 'many' }],
  options: {
    ...keepFlags,
    ...snapshotFlags,
    groupBy: text(
      '--group-by <what>',
      'Count for each of: source, host, paths, tags; default `source`, empty for one group.',
    ),
    dryRun: flag(
      '-n, --dry-run',
      'Say what would be kept and why, which slots are filled, what forgotten; do nothing.',
    ),
    force: flag('--force', 'Also when a group would lose its last snapshot, or a named one is protected.'),
    prune: flag('--prune', 'Free the space afterwards, under the same lock.'),
    ...pruneFlags,
  },
  examples: [
    { command: 'forget --dry-run', meaning: 'what the policy of understudy.yaml keeps, and why' },
    {
      command: 'forget --keep-daily 7 --keep-weekly 4 --keep-yearly 10 --prune',
      meaning: 'another policy, and free the space',
    },
    { command: 'forget 1a2b3c4d', meaning: 'one snapshot' },
  ],
} as const satisfies CommandSpec;
