import { parseDay } from '../evidence/day.ts';
import { choice, file, list, parsed, text, type CommandSpec } from '../spec.ts';
import { runsOption } from './plan.ts';

const idArgument = { name: 'id', description: 'id of a run, its beginning or end, or `latest`' } as const;

const span = {
  from: parsed('--from <day>', 'From this day or month on, e.g. `2026-01`.', (value) => parseDay(value, 'first')),
  to: parsed('--to <day>', 'Up to this day or month, which counts.', (value) => parseDay(value, 'last')),
  plan: text('--plan <name>', 'Of this plan only.'),
};

const publicKeyOption = list(
  '--public-key <file>',
  'Key that checks signatures, may be given several times; default that of the configuration.',
);

export const evidenceListSpec = {
  name: 'evidence list',
  summary: 'List the evidence in the repository, and the months without a drill',
  description: 'Nobody can see a drill that was never held: months without one are listed as missed.',
  options: span,
  examples: [
    { command: 'evidence list', meaning: 'everything' },
    { command: 'evidence list --from 2026-01 --to 2026-12 --plan annual-drill', meaning: 'a year of one plan' },
  ],
} as const satisfies CommandSpec;

export const evidenceShowSpec = {
  name: 'evidence show',
  summary: 'Show evidence out of the repository, with its reviews',
  arguments: [idArgument],
  options: { html: file('--html <file>', 'Write it to this file as a page that prints well.') },
  examples: [
    { command: 'evidence show latest', meaning: 'the newest' },
    { command: 'evidence show latest --html drill.html', meaning: 'to print it, or for the auditor' },
  ],
} as const satisfies CommandSpec;

export const evidenceExportSpec = {
  name: 'evidence export',
  summary: 'Write the evidence of a span of time into a directory, for an auditor',
  description:
    'Reports as JSON and HTML, signatures, an index with the months missed, and VERIFY.md, which tells how all of it ' +
    'is checked with openssl alone.',
  arguments: [{ name: 'directory', description: 'a new or empty directory', complete: 'directory' }],
  options: { ...span, publicKey: publicKeyOption },
  examples: [{ command: 'evidence export --from 2026-01 --to 2026-12 audit-2026', meaning: 'a year' }],
} as const satisfies CommandSpec;

export const evidenceVerifySpec = {
  name: 'evidence verify',
  summary: 'Check that evidence is as it was made, and complete',
  description:
    'Signatures, and what each report says of the one before it. Exit status 1 when something was changed or taken ' +
    'away. Only the newest reports can be taken away unseen: keep their digests elsewhere.',
  arguments: [
    {
      name: 'what',
      description: 'id of a run, or an exported report; default all',
      count: 'optional',
      complete: 'file',
    },
  ],
  options: {
    publicKey: publicKeyOption,
  },
  examples: [
    { command: 'evidence verify', meaning: 'all of the repository' },
    {
      command: 'evidence verify audit-2026/20261122T100000-drill-ab12.json --public-key evidence.pub',
      meaning: 'a file',
    },
  ],
} as const satisfies CommandSpec;

export const evidenceReviewSpec = {
  name: 'evidence review',
  summary: 'Say what a review of evidence came to',
  description: 'Whoever carried the run out, or approved a step of it, cannot review it.',
  arguments: [idArgument],
  options: {
    reviewer: text('--reviewer <name>', 'Who has reviewed it; required.'),
    decision: choice({
      flags: '--decision <decision>',
      description: 'What was decided; required.',
      words: ['accepted', 'rejected'],
    }),
    comment: text('--comment <text>', 'Why.'),
  },
  examples: [
    {
      command: 'evidence review latest --reviewer "Berta Roth" --decision accepted --comment "as planned"',
      meaning: 'the second pair of eyes',
    },
  ],
} as const satisfies CommandSpec;

export const evidenceDeviationSpec = {
  name: 'evidence deviation',
  summary: 'Add a finding to evidence, change one, or close it',
  description: 'Open findings are carried over into the evidence of the next run of the plan.',
  arguments: [
    idArgument,
    { name: 'deviation', description: 'the one to change or close, e.g. `D1`; default a new one', count: 'optional' },
  ],
  options: {
    finding: text('--finding <text>', 'What was found; required for a new one.'),
    severity: choice({ flags: '--severity <severity>', description: 'How bad it is.', words: ['major', 'minor'] }),
    owner: text('--owner <name>', 'Who sees to it.'),
    due: parsed('--due <day>', 'By when, e.g. `2026-12-24`.', (value) => parseDay(value, 'first')),
    ticket: text('--ticket <id>', 'Where it is followed up.'),
    close: text('--close <note>', 'Close it; what was done about it.'),
    by: text('--by <name>', 'Who says so; default the user of this session.'),
  },
  examples: [
    {
      command: 'evidence deviation latest --finding "the runbook names a host that is gone" --owner Anna',
      meaning: 'what the program cannot see',
    },
    { command: 'evidence deviation latest D1 --close "index rebuilt, CHG-42"', meaning: 'it is done' },
  ],
} as const satisfies CommandSpec;

export const evidenceStoreSpec = {
  name: 'evidence store',
  summary: 'Store the evidence of a run that could not be stored at its end',
  arguments: [{ name: 'run', description: 'id of a run, its beginning or end, or `latest`' }],
  options: runsOption,
  examples: [{ command: 'evidence store latest', meaning: 'the repository can be written to again' }],
} as const satisfies CommandSpec;

export const evidenceKeygenSpec = {
  name: 'evidence keygen',
  summary: 'Make a key that signs evidence',
  description:
    'Ed25519, in PEM: the private key in the file, for `evidence.signingKeyFile`; the public key beside it as `.pub`, ' +
    'for auditors.',
  arguments: [{ name: 'file', description: 'where the private key goes', complete: 'file' }],
  options: {},
  examples: [{ command: 'evidence keygen /etc/understudy/evidence.key', meaning: 'once' }],
} as const satisfies CommandSpec;
