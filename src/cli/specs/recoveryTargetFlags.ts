import { parseTimelineId, type TimelineId } from '../../postgres/timeline.ts';
import { flag, text, type OptionSpec } from '../spec.ts';

const timeline: OptionSpec<'latest' | 'current' | TimelineId> = {
  flags: '--timeline <timeline>',
  description: 'Timeline to recover along: `latest`, `current` (that of the backup), or a number.',
  initial: 'latest',
  read: (word) => (word === 'latest' || word === 'current' ? word : parseTimelineId(word)),
};

/** How far a cluster is recovered. */
export const recoveryTargetFlags = {
  at: text('--at <time>', 'Recover to this time, with a zone: `2026-11-21 10:42:00+01:00`.'),
  lsn: text('--lsn <position>', 'Recover to this WAL position.'),
  xid: text('--xid <id>', 'Recover to the end of this transaction.'),
  name: text('--name <name>', 'Recover to this restore point (pg_create_restore_point).'),
  immediate: flag('--immediate', 'Recover to the end of the backup only.'),
  exclusive: flag('--exclusive', 'Stop just before the target instead of behind it.'),
  timeline,
} as const;
