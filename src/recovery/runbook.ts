import { formatDuration } from '../base/duration.ts';
import type { Contact } from './surroundings.ts';
import { html, page, table, type Html } from './htmlPage.ts';
import type { Plan, Step } from './planDocument.ts';
import type { StepKind } from './stepKind.ts';

/** What a runbook on paper needs besides the plan. */
export interface RunbookOptions {
  readonly kinds: readonly StepKind[];
  readonly contacts: readonly Contact[];
  /** Where the repository is; undefined when that is not configured. */
  readonly repository: string | undefined;
}

interface Section {
  readonly heading: string;
  /** One line each: who, after what, how long. */
  readonly notes: readonly string[];
  readonly text: string | undefined;
  readonly commands: string | undefined;
}

const withoutUs =
  'The repository is in the format of restic, version 2: every command here works with stock restic (0.14 or newer) ' +
  'and PostgreSQL alone. Set RESTIC_REPOSITORY and RESTIC_PASSWORD (or RESTIC_PASSWORD_FILE) first. `restic snapshots` lists what ' +
  'there is; tags tell kind and source.';

/** The plan on paper, as Markdown. */
export function runbookText(plan: Plan, options: RunbookOptions): string {
  const sections = plan.steps.map((step) => section(step, options.kinds));
  return [
    `# ${plan.name}`,
    plan.description,
    ...factLines(plan, options).map((line) => `- ${line}`),
    '## Before anything else',
    withoutUs,
    ...sections.flatMap(({ heading, notes, text, commands }, index) => [
      `## ${index + 1}. ${heading}`,
      ...notes.map((note) => `- ${note}`),
      ...(text === undefined ? [] : [text.trim()]),
      ...(commands === undefined ? [] : [`\`\`\`sh\n${commands}\n\`\`\``]),
      'Done at: ____________ by: ____________',
    ]),
    '## Contacts',
    ...(options.contacts.length === 0 ? ['None are configured.'] : options.contacts.map(contactLine)),
  ]
    .join('\n\n')
    .concat('\n')
    .replaceAll(/(\n- [^\n]*)\n(?=\n- )/g, '$1');
}

/** The plan on paper, as one HTML file. */
export function runbookPage(plan: Plan, options: RunbookOptions): string {
  const items = (lines: readonly string[]): Html =>
    html`<ul>
      ${lines.map((line) => html`<li>${line}</li>`)}
    </ul>`;
  const sections = plan.steps.map((step, index) => {
    const { heading, notes, text, commands } = section(step, options.kinds);
    return html`<section>
      <h2>${index + 1}. ${heading}</h2>
      ${items(notes)}
      ${text === undefined ? '' : html`<p>${text}</p>`}${commands === undefined ? '' : html`<pre>${commands}</pre>`}
      <p>Done at: ____________ by: ____________</p>
    </section> `;
  });
  const rows = options.contacts.map(({ name, role, phone, email }) => [name, role, phone ?? '', email ?? '']);
  const contacts =
    rows.length === 0 ? html`<p>None are configured.</p>` : table(['Name', 'Role', 'Telephone', 'E-mail'], rows);
  return page(
    plan.name,
    html`<h1>${plan.name}</h1>
      <p>${plan.description}</p>
      ${items(factLines(plan, options))}
      <h2>Before anything else</h2>
      <p>${withoutUs}</p>
      ${sections}
      <h2>Contacts</h2>
      ${contacts}`,
  );
}

function factLines(plan: Plan, { repository }: RunbookOptions): string[] {
  const { rtoMs, rpoMs } = plan.objective;
  return [
    `Version ${plan.version}; owner: ${plan.owner ?? 'nobody is named'}`,
    ...(repository === undefined ? [] : [`Repository: ${repository}`]),
    ...(rtoMs === undefined ? [] : [`To be done within ${formatDuration(rtoMs)}`]),
    ...(rpoMs === undefined ? [] : [`At most ${formatDuration(rpoMs)} may be lost`]),
    ...Object.entries(plan.parameters).map(([name, { description, secret, environment }]) => {
      const from = environment === undefined ? '' : ` (variable ${environment})`;
      return `${secret ? 'Secret' : 'Choose'} \`${name}\`: ${description}${from}`;
    }),
  ];
}

function section(step: Step, kinds: readonly StepKind[]): Section {
  const kind = kinds.find(({ name }) => name === step.kind);
  const commands = kind?.byHand?.(step.options);
  return {
    heading: step.title,
    notes: [
      ...(step.needs.length === 0 ? [] : [`After: ${step.needs.join(', ')}`]),
      ...(step.owner === undefined ? [] : [`Owner: ${step.owner}`]),
      ...(step.timeoutMs === undefined ? [] : [`Give it up after ${formatDuration(step.timeoutMs)}`]),
      ...(step.critical ? [] : ['Not critical: if it fails, go on and note it']),
      ...(step.always ? ['Clean-up: to be done whatever happened before'] : []),
      ...(step.when ? [] : ['Left out unless its parameter says otherwise']),
    ],
    text: step.runbook,
    commands: commands?.replaceAll('$${', '${'),
  };
}

function contactLine({ name, role, phone, email }: Contact): string {
  return `- ${[name, role, phone, email].filter((part) => part !== null).join(', ')}`;
}
