import type { CommandSpec } from '../spec.ts';

export const monitorSpec = {
  name: 'monitor',
  summary: 'Judge the backups, as a plugin for Nagios or a line for cron',
  description:
    'Looks at what is in the repository and judges it by understudy.yaml: a backup of every source, not too old, not too ' +
    'small, proved in time, WAL without a gap, and no more to lose than the tier allows. Prints one line with figures, ' +
    'then one for each finding. Ends with 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN: also when the repository cannot be ' +
    'opened, so that silence is never good news. Without understudy.yaml every source that is found is judged by the ' +
    'defaults. Changes nothing and takes no lock.',
  arguments: [{ name: 'source', description: 'names of sources; default all', count: 'many' }],
  options: {},
  examples: [
    { command: 'monitor', meaning: 'the state of all sources' },
    { command: 'monitor database', meaning: 'of one: a service of its own in Nagios' },
    { command: 'monitor --json', meaning: 'one document with every finding and its figures' },
  ],
  plugin: true,
} as const satisfies CommandSpec;
