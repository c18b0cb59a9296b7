import { badFindings, type Finding } from './finding.ts';
import { lossText } from './words.ts';

/** How many findings of the worst severity are told in one sentence; of different sources where there are. */
const told = 2;

/**
 * All of it in one sentence. Good only when nothing is overdue, failed, unverified or missing, and says then how much
 * would be lost at most.
 */
export function verdictSentence(findings: readonly Finding[]): string {
  const bad = badFindings(findings);
  if (bad.length === 0) return goodSentence(findings);
  const worst = bad.filter(({ severity }) => severity === bad[0]?.severity);
  const ofEach = worst.filter(({ source }, index) => worst.findIndex((other) => other.source === source) === index);
  const shown = [...new Set([...ofEach, ...worst])].slice(0, told);
  const rest = bad.length - shown.length;
  return [...shown.map(findingText), ...(rest > 0 ? [`and ${rest} more`] : [])].join('; ');
}

/** `database: there is no backup`. */
export function findingText({ source, message }: Finding): string {
  return source === undefined ? message : `${source}: ${message}`;
}

/** A source whose recovery point another keeps loses nothing by its own age: its finding tells no loss. */
function goodSentence(findings: readonly Finding[]): string {
  const judged = new Set(findings.flatMap(({ source, rule }) => (rule === 'backup' ? (source ?? []) : [])));
  const [only] = judged;
  if (only === undefined) return 'no source was judged';
  const subject = judged.size === 1 ? `${only} is` : `${judged.size} sources are`;
  const [most] = findings
    .flatMap(({ source, rule, values: { lossMs } }) =>
      rule === 'exposure' && typeof lossMs === 'number' ? [{ source, lossMs }] : [],
    )
    .toSorted((one, other) => other.lossMs - one.lossMs);
  if (most === undefined) return `${subject} backed up and proved`;
  const loss = lossText(most.lossMs);
  return judged.size === 1
    ? `${subject} backed up and proved; if it were lost now, ${loss} would be lost`
    : `${subject} backed up and proved; the most that would be lost now is ${loss} (${most.source})`;
}
