import { formatDuration } from '../base/duration.ts';
import type { Evidence } from './evidence.ts';
import { html, page, table, type Html } from './htmlPage.ts';

const verdicts: Readonly<Record<string, string>> = {
  passed: '✔ passed',
  warned: '! passed, with exceptions',
  failed: '✘ failed',
};

/** The evidence as one HTML file that prints well. */
export function evidencePage(evidence: Evidence): string {
  const { report, authority, timeline, deviations, stepsNotRun, contacts } = evidence;
  const { plan } = authority;
  const title = `${report.type === 'drill' ? 'Drill' : 'Recovery'}: ${plan.name}`;
  const body = html`<h1>${title}</h1>
    <p>${plan.description}</p>
    <p class="verdict">${verdicts[evidence.result.verdict] ?? evidence.result.verdict}</p>
    ${facts(evidence)}
    <h2>Result</h2>
    ${results(evidence)}
    <h2>Backups</h2>
    ${backups(evidence)}
    <h2>Steps</h2>
    ${steps(evidence)}
    <h2>Steps not run</h2>
    ${listOrNone(stepsNotRun, ['Step', 'Title', 'Why'], ({ id, title: what, reason }) => [id, what, reason])}
    <h2>Deviations</h2>
    ${listOrNone(deviations, ['Finding', 'Severity', 'Owner', 'Due'], (one) => [
      one.finding,
      one.severity,
      one.owner ?? 'nobody is named',
      one.dueDate,
    ])}
    <h2>Decisions</h2>
    ${listOrNone(authority.decisions, ['Time', 'Who', 'What', 'Step', 'Reason'], (one) => [
      utc(one.at),
      one.by,
      one.decided,
      one.step ?? '',
      one.reason,
    ])}
    <h2>Contacts</h2>
    ${listOrNone(contacts, ['Name', 'Role', 'Telephone', 'E-mail'], (one) => [
      one.name,
      one.role,
      one.phone ?? '',
      one.email ?? '',
    ])}
    <h2>Review</h2>
    <p>
      Reviewer (not who carried it out): ______________________ Date: ______________ Signature: ______________________
    </p>
    <p>
      Run ${report.id} on ${report.host}; ${timeline.resumptions} interruptions; plan SHA-256
      <code>${plan.digest}</code>; understudy ${report.version}.
    </p> `;
  return page(title, body);
}

function facts({ report, authority, timeline }: Evidence): Html {
  return table(
    ['Run', 'Plan', 'Owner', 'Started by', 'Began', 'Ended'],
    [
      [
        report.id,
        `${authority.plan.name}, version ${authority.plan.version}`,
        authority.planOwner ?? 'nobody is named',
        authority.startedBy,
        utc(timeline.begunAt),
        timeline.endedAt === null ? 'not yet' : utc(timeline.endedAt),
      ],
    ],
  );
}

function results({ objective, result }: Evidence): Html {
  return table(
    ['', 'Objective', 'Measured', 'Met'],
    [
      ['Recovery time', span(objective.rtoSeconds), span(result.totalSeconds), met(result.rtoMet)],
      ['of which machine', '', span(result.machineSeconds), ''],
      ['of which waiting for people', '', span(result.humanSeconds), ''],
      ['of which interrupted', '', span(result.interruptedSeconds), ''],
      ['Data loss', span(objective.rpoSeconds), span(result.dataLossSeconds), met(result.rpoMet)],
      ['Recovered to', '', result.recoveredTo === null ? 'unknown' : utc(result.recoveredTo), ''],
    ],
  );
}

function backups({ backups: used }: Evidence): Html {
  const rows = used.map(({ step, kind, ...rest }) => [
    step,
    kind,
    Object.entries(rest)
      .map(([name, value]) => `${name}: ${String(value)}`)
      .join('; '),
  ]);
  return rows.length === 0 ? html`<p>No backup was restored.</p>` : table(['Step', 'Kind', 'What was found'], rows);
}

function steps({ timeline }: Evidence): Html {
  return table(
    ['Step', 'Status', 'Began', 'Machine', 'People', 'Attempts', 'Outcome'],
    timeline.steps.map((step) => [
      `${step.id}: ${step.title}${step.critical ? '' : ' (not critical)'}`,
      step.status,
      step.begunAt === null ? '' : utc(step.begunAt),
      span(step.machineSeconds),
      span(step.humanSeconds),
      step.attempts,
      step.error?.message ?? step.summary ?? '',
    ]),
  );
}

function listOrNone<Item>(
  items: readonly Item[],
  titles: readonly string[],
  row: (item: Item) => readonly (string | number)[],
): Html {
  return items.length === 0 ? html`<p>None.</p>` : table(titles, items.map(row));
}

/** `2026-11-22 10:00:00 UTC`: what a spreadsheet takes. */
function utc(time: string): string {
  return `${time.slice(0, 19).replace('T', ' ')} UTC`;
}

function span(seconds: number | null): string {
  return seconds === null ? 'none stated' : formatDuration(seconds * 1000);
}

function met(value: boolean | null): string {
  return value === null ? 'not judged' : value ? '✔ yes' : '✘ no';
}
