import { formatDuration } from '../base/duration.ts';
import type { Evidence } from './evidenceSchema.ts';
import { html, page, table, type Html } from './htmlPage.ts';
import { rows, shown, utc } from './report/pageParts.ts';

const verdicts: Readonly<Record<Evidence['result']['verdict'], string>> = {
  'passed': '✔ PASSED',
  'warned': '! PASSED, WITH EXCEPTIONS',
  'failed': '✘ FAILED',
  'inconclusive': '? INCONCLUSIVE: the tester failed, which tells nothing about the backup',
  'not finished': '… NOT FINISHED',
};

type Key = Exclude<keyof Evidence, 'format' | 'unknown'>;

/** The whole of it, in the order of the letters by which auditors ask for it. */
const sections: readonly (readonly [string, ...Key[]])[] = [
  ['A. Identity', 'report'],
  ['B. Scope', 'scope'],
  ['C. Authority', 'authority'],
  ['D. Objective', 'objective'],
  ['E. Backups used', 'backups'],
  ['F. Target', 'target'],
  ['G. Timeline', 'timeline'],
  ['H. Result', 'result'],
  ['I. Checks', 'checks'],
  ['J. Security controls', 'controls'],
  ['K. Copies', 'copies'],
  ['L. Retention', 'retention', 'deletionsSinceLast'],
  ['M. People', 'people', 'contacts'],
  ['N. Deviations', 'deviations', 'carriedOver', 'planChanged'],
  ['O. Review', 'review', 'nextDue'],
  ['P. Trend', 'trend'],
  ['Q. Integrity', 'integrity'],
  ['R. Raw evidence', 'raw'],
  ['S. Notifications', 'notifications'],
];

const titles: Partial<Record<Key, string>> = {
  deletionsSinceLast: 'Deletions since the last report',
  contacts: 'Contacts',
  carriedOver: 'Carried over from earlier runs',
  planChanged: 'Whether the plan has changed since',
  nextDue: 'Next due',
};

/** The evidence as one HTML file that prints well. */
export function evidencePage(evidence: Evidence): string {
  const { report, authority, result } = evidence;
  const { plan } = authority;
  const title = `${report.type === 'drill' ? 'Drill' : 'Recovery'}: ${plan.name}`;
  const body = html`<h1>${title}</h1>
    <p>${plan.description}</p>
    <p class="verdict">${verdicts[result.verdict]}</p>
    ${summary(evidence)} ${sections.map((section) => sectionOf(evidence, section))}
    <h2>Signed on paper</h2>
    <p>
      Reviewer (not who carried it out): ______________________ Date: ______________ Signature: ______________________
    </p>
    <p>Run ${report.id}; ${report.product} ${report.version}. All times are UTC.</p> `;
  return page(title, body);
}

function sectionOf(evidence: Evidence, [heading, ...keys]: (typeof sections)[number]): Html {
  const parts = keys.map((key) => {
    const name = titles[key];
    return html`${name === undefined ? '' : html`<h3>${name}</h3>`}${part(evidence, key)}`;
  });
  return html`<h2>${heading}</h2>
    ${parts} `;
}

function part(evidence: Evidence, key: Key): Html {
  if (key === 'timeline') return timeline(evidence);
  return shown(evidence[key], key, evidence.unknown);
}

function summary({ objective, result, timeline: { begunAt, endedAt }, authority }: Evidence): Html {
  return html`${table(
      ['', 'Objective', 'Measured', 'Met'],
      [
        ['Recovery time', span(objective.rtoSeconds), span(result.recoverySeconds), met(result.rtoMet)],
        ['Data loss', span(objective.rpoSeconds), span(result.dataLossSeconds), met(result.rpoMet)],
      ],
    )}
    <p>
      Begun ${utc(begunAt)} by ${authority.startedBy}, ended ${endedAt === null ? 'not yet' : utc(endedAt)}. Machine
      time ${span(result.machineSeconds)}, waiting for people ${span(result.humanSeconds)}, interrupted
      ${span(result.interruptedSeconds)}.
    </p>`;
}

/** The steps have so much to say that they are three tables: what happened, what was planned, what was found. */
function timeline({ timeline: { steps, ...rest }, stepsNotRun, unknown }: Evidence): Html {
  const at = { path: 'timeline.steps', reasons: unknown };
  const outcomes = steps.map((step) => ({ ...step, outcome: step.error?.message ?? step.summary ?? '' }));
  const planned = steps.map(({ planned: { after, timeoutSeconds, attempts }, id, ...step }) => {
    const limit = timeoutSeconds === null ? 'none' : formatDuration(timeoutSeconds * 1000);
    return { ...step, id, after, limit, attemptsAllowed: attempts };
  });
  const found = steps.flatMap(({ id, facts, outputDigests }) => [
    ...Object.entries(facts).map(([fact, value]) => ({ step: id, fact, value: value ?? '—' })),
    ...outputDigests.map((digest) => ({ step: id, fact: 'output, SHA-256', value: digest })),
  ]);
  return html`${shown(rest, 'timeline', unknown)}
    <h3>Steps</h3>
    ${rows(outcomes, ['id', 'title', 'status', 'begunAt', 'endedAt', 'machineSeconds', 'humanSeconds', 'outcome'], at)}
    <h3>Planned</h3>
    ${rows(planned, ['id', 'kind', 'after', 'limit', 'attemptsAllowed', 'attempts', 'critical', 'owner', 'actor'], at)}
    <h3>Found by the steps</h3>
    ${shown(found, 'found', {})}
    <h3>Steps not carried out</h3>
    ${shown(stepsNotRun, 'stepsNotRun', unknown)}`;
}

function span(seconds: number | null): string {
  return seconds === null ? '—' : formatDuration(seconds * 1000);
}

function met(value: boolean | null): string {
  return value === null ? 'not judged' : value ? '✔ yes' : '✘ no';
}
