import { choice, directory, file, withDefault, type CommandSpec } from '../spec.ts';
import { runOptions, runsOption } from './plan.ts';

export const drillRunSpec = {
  name: 'drill run',
  summary: 'Rehearse a recovery plan in a sandbox',
  description:
    'Relative paths of the plan lie in a directory of their own, which is removed at the end with every process that ' +
    'the steps left; after a crash the next drill removes it. A step that acts on anything else is refused unless it ' +
    'says `drill: true`. The evidence stays. Exit status as of `plan run`.',
  arguments: [{ name: 'plan', description: 'name of a plan, or its file', complete: 'file' }],
  options: {
    ...runOptions,
    scratch: directory('--scratch <directory>', 'Where the sandbox is made; it needs room for what is restored.'),
  },
  examples: [{ command: 'drill run monthly-restore-test', meaning: 'prove that the newest backup can be recovered' }],
} as const satisfies CommandSpec;

export const drillListSpec = {
  name: 'drill list',
  summary: 'List the drills',
  options: runsOption,
  examples: [{ command: 'drill list', meaning: 'what was rehearsed, when, and how long it took' }],
} as const satisfies CommandSpec;

export const drillShowSpec = {
  name: 'drill show',
  summary: 'Show the evidence of a drill or a recovery',
  arguments: [{ name: 'run', description: 'id of a run, its beginning or end, or `latest`' }],
  options: {
    ...runsOption,
    format: withDefault(
      choice({ flags: '--format <format>', description: 'What to write.', words: ['text', 'json', 'html'] }),
      'text',
    ),
    output: file('-o, --output <file>', 'Write to this file instead of standard output.'),
  },
  examples: [{ command: 'drill show latest --format html -o drill.html', meaning: 'for the auditor' }],
} as const satisfies CommandSpec;
