import { formatDuration } from '../../base/duration.ts';
import type { Evidence } from '../../recovery/evidenceSchema.ts';
import type { StoredEvidence } from '../../recovery/evidenceStore.ts';
import { evidenceText } from '../plan/describeRun.ts';
import type { Column } from '../table.ts';
import type { ChosenEvidence } from './chooseEvidence.ts';

/** A line of the list: evidence, or a month in which there is none. */
export interface EvidenceRow {
  readonly began: string;
  readonly id: string;
  readonly type: string;
  readonly plan: string;
  readonly result: string;
  readonly recoverySeconds: number | null;
  readonly rto: string;
  readonly rpo: string;
  readonly open: number | null;
  readonly review: string;
  readonly sha256: string;
}

export const evidenceColumns: readonly Column<EvidenceRow>[] = [
  { title: 'BEGAN', value: ({ began }) => began },
  { title: 'RUN', value: ({ id }) => id },
  { title: 'TYPE', value: ({ type }) => type },
  { title: 'RESULT', value: ({ result }) => result },
  {
    title: 'RECOVERY',
    align: 'right',
    value: ({ recoverySeconds }) => (recoverySeconds === null ? '' : formatDuration(recoverySeconds * 1000)),
  },
  { title: 'RTO MET', value: ({ rto }) => rto },
  { title: 'RPO MET', value: ({ rpo }) => rpo },
  { title: 'OPEN', align: 'right', value: ({ open }) => (open === null ? '' : String(open)) },
  { title: 'REVIEW', value: ({ review }) => review },
];

/** The evidence and the missed months in one list, oldest first. */
export function evidenceRows({ chosen, missed }: ChosenEvidence): EvidenceRow[] {
  return [...chosen.map(rowOf), ...missed.map(missedRow)].toSorted((one, other) => (one.began < other.began ? -1 : 1));
}

/** Plain, as a spreadsheet takes it. */
export function plainTime(time: string): string {
  return `${time.slice(0, 19).replace('T', ' ')} UTC`;
}

/** All that a terminal shows of it. */
export function storedText({ evidence, envelope, sha256 }: StoredEvidence): string {
  const { review, deviations, carriedOver, integrity } = evidence;
  const key = integrity.signingKeyId?.slice(0, 16);
  const signed = envelope === null ? 'no' : `it says with key ${key}; \`evidence verify\` checks it`;
  const lines = [
    `SHA-256   ${sha256}`,
    `signed    ${signed}`,
    review === null
      ? 'review    not yet'
      : `review    ${review.decision} by ${review.by}, ${plainTime(review.at)}: ${review.comment}`,
    ...deviations.map(({ id, status, finding, owner, dueDate, note }) => {
      const end = status === 'closed' ? `closed: ${note ?? ''}` : `open, ${owner ?? 'no owner'}, by ${dueDate}`;
      return `finding   ${id}: ${finding} (${end})`;
    }),
    ...(carriedOver ?? []).map(({ run, id, finding, dueDate, overdue, foundAgain }) => {
      const state = `${overdue ? ', OVERDUE' : ''}${foundAgain ? ', found again' : ''}`;
      return `carried   ${run} ${id}: ${finding} (by ${dueDate}${state})`;
    }),
  ];
  return `${evidenceText(evidence)}\n\n${lines.map((line) => `  ${oneLine(line)}`).join('\n')}`;
}

/** What people wrote makes neither lines of its own nor colours. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ');
}

function rowOf({ evidence, sha256 }: StoredEvidence): EvidenceRow {
  const { report, timeline, authority, result, deviations, review } = evidence;
  return {
    began: plainTime(timeline.begunAt),
    id: report.id,
    type: report.type,
    plan: authority.plan.name,
    result: result.verdict,
    recoverySeconds: result.recoverySeconds,
    rto: metText(result.rtoMet),
    rpo: metText(result.rpoMet),
    open: deviations.filter(({ status }) => status === 'open').length,
    review: reviewText(review),
    sha256,
  };
}

function missedRow(month: string): EvidenceRow {
  const nothing = { id: '', plan: '', recoverySeconds: null, rto: '', rpo: '', open: null, review: '', sha256: '' };
  return { ...nothing, began: month, type: 'drill', result: 'MISSED' };
}

function metText(met: boolean | null): string {
  return met === null ? 'not judged' : met ? 'yes' : 'NO';
}

function reviewText(review: Evidence['review']): string {
  return review === null ? 'none' : oneLine(`${review.decision} by ${review.by}`);
}
