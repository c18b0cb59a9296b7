import { count, type CommandSpec } from '../spec.ts';

export const statusSpec = {
  name: 'status',
  summary: 'Show how well each source is protected',
  description:
    'A sentence that says whether all is well, then for each source its last backups, their sizes over 7 days, what ' +
    'would be lost now, the recovery time that was proved, WAL, retention; and how large the repository is. Works ' +
    'without understudy.yaml too. It is a report and ends with status 0 whatever it has to say; `understudy monitor` ' +
    'judges.',
  arguments: [{ name: 'source', description: 'names of sources; default all', count: 'many' }],
  options: {
    last: count('--last <n>', 'How many backups of each source are shown; default 7 of a database, 3 of others.'),
  },
  examples: [
    { command: 'status', meaning: 'everything' },
    { command: 'status database --last 30', meaning: 'a month of one source' },
    { command: 'status --json', meaning: 'one document, for a dashboard' },
  ],
} as const satisfies CommandSpec;
