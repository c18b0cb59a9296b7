import { choice, directory, file, flag, list, text, withDefault, type CommandSpec } from '../spec.ts';

export const runsOption = {
  runs: directory(
    '--runs <directory>',
    'Where runs are kept; default /var/lib/understudy/runs for root, else at home.',
  ),
};

const planArgument = { name: 'plan', description: 'name of a plan, or its file', complete: 'file' } as const;
const runArgument = { name: 'run', description: 'id of a run, its beginning or end, or `latest`' } as const;
const stepArgument = { name: 'step', description: 'id of the step' } as const;
const by = { by: text('--by <name>', 'Who decides; default the user of this session.') };

/** What a run takes, real or drill. */
export const runOptions = {
  ...runsOption,
  ...by,
  ticket: text('--ticket <id>', 'Change ticket under which it is done; it stands in the evidence.'),
  scenario: text('--scenario <text>', 'What has happened, or is taken to have happened.'),
  unavailable: list('--unavailable <name>', 'Key person who is taken for unavailable; may be given several times.'),
  declared: text('--declared <time>', 'When the disaster was declared: the recovery time counts from then.'),
  set: list('--set <name=value>', 'Value of a parameter; may be given several times. Secrets come from variables.'),
};

export const planListSpec = {
  name: 'plan list',
  summary: 'List the recovery plans',
  description: 'Those that come with the program, and those in the directory `plans` beside the configuration file.',
  options: {},
  examples: [{ command: 'plan list', meaning: 'what can be recovered, and within which time' }],
} as const satisfies CommandSpec;

export const planCheckSpec = {
  name: 'plan check',
  summary: 'Find what is wrong with a plan',
  description: 'Shape, steps that need each other, parameters, secrets in clear. Nothing is run. Exit status 2: wrong.',
  arguments: [{ ...planArgument, count: 'many' }],
  options: {},
  examples: [
    { command: 'plan check plans/recovery.yaml', meaning: 'one plan of your own' },
    { command: 'plan check', meaning: 'all of them' },
  ],
} as const satisfies CommandSpec;

export const planPrintSpec = {
  name: 'plan print',
  summary: 'Print a plan as a runbook on paper',
  description: 'With commands that need only stock restic and PostgreSQL, and the contacts of the configuration.',
  arguments: [planArgument],
  options: {
    format: withDefault(
      choice({ flags: '--format <format>', description: 'What to write.', words: ['markdown', 'html'] }),
      'markdown',
    ),
    output: file('-o, --output <file>', 'Write to this file instead of standard output.'),
  },
  examples: [{ command: 'plan print complete-system-recovery --format html -o runbook.html', meaning: 'for the safe' }],
} as const satisfies CommandSpec;

export const planRunSpec = {
  name: 'plan run',
  summary: 'Carry out a recovery plan',
  description:
    'Every event is written down before anything depends on it: after a crash `--resume` goes on at the step. Steps ' +
    'that wait for a person are answered at the terminal, or with `plan approve` from elsewhere. Exit status 1: the ' +
    'plan failed; 3: it was carried through, with deviations that the evidence lists.',
  arguments: [{ ...planArgument, count: 'optional' }],
  options: {
    ...runOptions,
    resume: text('--resume <run>', 'Go on with this run, or `latest`, instead of beginning one.'),
  },
  examples: [
    {
      command: 'plan run point-in-time-recovery --set time="2026-11-22 10:42:00Z" --set destination=/srv/recovered',
      meaning: 'the real thing',
    },
    { command: 'plan run --resume latest', meaning: 'after a crash' },
  ],
} as const satisfies CommandSpec;

export const planApproveSpec = {
  name: 'plan approve',
  summary: 'Approve a step that waits for a person',
  description: 'For a step that was cut short and may not simply be repeated, this means: do it again.',
  arguments: [runArgument, stepArgument],
  options: {
    ...runsOption,
    ...by,
    note: text('--note <text>', 'What was looked at.'),
    decline: flag('--decline', 'Say no: the step has failed.'),
  },
  examples: [{ command: 'plan approve latest look --by "Anna Weiss"', meaning: 'the recovered data is good' }],
} as const satisfies CommandSpec;

export const planSkipSpec = {
  name: 'plan skip',
  summary: 'Leave a step out, with a reason',
  description: 'What needs the step goes on. The evidence tells who left it out and why.',
  arguments: [runArgument, stepArgument],
  options: { ...runsOption, ...by, reason: text('--reason <text>', 'Why; required.') },
  examples: [{ command: 'plan skip latest lint --reason "done by hand"', meaning: 'it need not be done' }],
} as const satisfies CommandSpec;

export const planPauseSpec = {
  name: 'plan pause',
  summary: 'Begin no further step',
  description: 'Steps that are under way are finished.',
  arguments: [runArgument],
  options: { ...runsOption, ...by, reason: text('--reason <text>', 'Why.') },
  examples: [{ command: 'plan pause latest', meaning: 'to look at what is there so far' }],
} as const satisfies CommandSpec;

export const planContinueSpec = {
  name: 'plan continue',
  summary: 'Go on with a paused run',
  arguments: [runArgument],
  options: { ...runsOption, ...by },
  examples: [{ command: 'plan continue latest', meaning: 'the pause is over' }],
} as const satisfies CommandSpec;

export const planStatusSpec = {
  name: 'plan status',
  summary: 'Show how far a run is, or all runs',
  arguments: [{ ...runArgument, count: 'optional' }],
  options: runsOption,
  examples: [
    { command: 'plan status', meaning: 'all runs and drills' },
    { command: 'plan status latest', meaning: 'the steps of the newest' },
  ],
} as const satisfies CommandSpec;
