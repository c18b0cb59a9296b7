import { formatDuration } from '../../base/duration.ts';
import type { Evidence, StepEvidence } from '../../recovery/evidenceSchema.ts';
import { formatTable, type Column } from '../table.ts';

const stepColumns: readonly Column<StepEvidence>[] = [
  { title: 'STEP', value: ({ id }) => id },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'MACHINE', align: 'right', value: ({ machineSeconds }) => span(machineSeconds) },
  { title: 'PEOPLE', align: 'right', value: ({ humanSeconds }) => span(humanSeconds) },
  { title: 'OUTCOME', value: ({ error, summary }) => error?.message ?? summary ?? '' },
];

/** The evidence of a run for a terminal: result, steps, deviations. `unproved`: nobody keeps it yet. */
export function evidenceText(evidence: Evidence, unproved = false): string {
  const { report, authority, objective, result, timeline, deviations } = evidence;
  const { plan } = authority;
  const rows: (readonly [string, string])[] = [
    ['run', `${report.id} (${report.type})`],
    ['plan', `${plan.name}, version ${plan.version}`],
    ['result', unproved ? `${result.verdict}, but NOT PROVED: the evidence is not stored` : result.verdict],
    [
      'time',
      `${span(result.recoverySeconds ?? result.totalSeconds)} (machine ${span(result.machineSeconds)}, people ${span(result.humanSeconds)}, ` +
        `interrupted ${span(result.interruptedSeconds)})${objectiveText(objective.rtoSeconds, result.rtoMet)}`,
    ],
    ...(result.dataLossSeconds === null
      ? []
      : [['data loss', span(result.dataLossSeconds) + objectiveText(objective.rpoSeconds, result.rpoMet)] as const]),
    ...deviations.map(
      ({ finding, owner, dueDate }) => ['to do', `${finding} (${owner ?? 'no owner'}, by ${dueDate})`] as const,
    ),
  ];
  const head = rows.map(([title, text]) => `  ${title.padEnd(10)}  ${text}`).join('\n');
  return `${head}\n\n${formatTable({ color: false }, stepColumns, timeline.steps)}`;
}

/** One line for each run. */
export const runColumns: readonly Column<Evidence>[] = [
  { title: 'RUN', value: ({ report }) => report.id },
  { title: 'TYPE', value: ({ report }) => report.type },
  { title: 'BEGAN', value: ({ timeline }) => timeline.begunAt.slice(0, 19).replace('T', ' ') },
  { title: 'RESULT', value: ({ result }) => result.verdict },
  { title: 'TIME', align: 'right', value: ({ result }) => span(result.totalSeconds) },
  { title: 'OBJECTIVE', align: 'right', value: ({ objective }) => span(objective.rtoSeconds) },
  { title: 'BY', value: ({ authority }) => authority.startedBy },
];

function objectiveText(seconds: number | null, met: boolean | null): string {
  if (seconds === null) return '';
  return `, objective ${span(seconds)}${met === null ? '' : met ? ': met' : ': NOT met'}`;
}

function span(seconds: number | null): string {
  return seconds === null ? '' : formatDuration(seconds * 1000);
}
