import type { Check, Proof, Verdict } from '../../verify/proof.ts';
import { levelMeanings } from '../../verify/proof.ts';
import type { StoredProof } from '../../verify/proofStore.ts';
import { formatCount, formatDuration, plural } from '../format.ts';
import { styled, type Terminal } from '../terminal.ts';
import type { Column } from '../table.ts';

const colors = { passed: 'green', warning: 'yellow', failed: 'red', inconclusive: 'yellow', skipped: 'dim' } as const;
const shownLines = 10;

/** What a person reads after a verification. */
export function proofText(terminal: Terminal, proof: Proof): string {
  const lines: string[] = [subjectOf(proof)];
  let level: number | undefined;
  for (const check of proof.checks) {
    if (check.level !== level) lines.push(`level ${check.level}, ${levelMeanings[check.level]}`);
    level = check.level;
    lines.push(...checkLines(terminal, check));
  }
  if (proof.notReached.length > 0) lines.push(`not reached: ${proof.notReached.join(', ')}`);
  lines.push(...recoveryLines(proof), verdictLine(terminal, proof));
  return lines.join('\n');
}

export const historyColumns: readonly Column<StoredProof>[] = [
  { title: 'Time', value: ({ proof }) => proof.startedAt.slice(0, 19).replace('T', ' ') },
  { title: 'Snapshot', value: ({ proof }) => proof.snapshot?.id.slice(0, 8) ?? 'all' },
  { title: 'Source', value: ({ proof }) => proof.snapshot?.source ?? '-' },
  { title: 'Kind', value: ({ proof }) => proof.snapshot?.kind ?? '-' },
  { title: 'Level', align: 'right', value: ({ proof }) => String(proof.level) },
  { title: 'Verdict', value: ({ proof }) => proof.verdict },
  { title: 'Recovery', align: 'right', value: ({ proof }) => recoveryTime(proof) },
  { title: 'Recovered to', value: ({ proof }) => proof.recovery?.lastCommit ?? proof.recovery?.lsn ?? '' },
  { title: 'Tester', value: ({ proof }) => proof.tester },
];

function subjectOf({ snapshot }: Proof): string {
  if (snapshot === null) return 'the whole repository';
  return `snapshot ${snapshot.id.slice(0, 8)} of ${snapshot.source}, ${snapshot.time}`;
}

function checkLines(terminal: Terminal, check: Check): string[] {
  const { status, name, actual, expected, detail, hint } = check;
  const mark = styled(terminal, colors[status], status.padEnd(12));
  const bad = status === 'failed' || status === 'inconclusive';
  const wanted = bad && expected !== null ? `; expected ${expected}` : '';
  const first = `  ${mark}  ${name}${actual === null ? '' : `: ${actual}`}${wanted} (${formatDuration(check.durationMs)})`;
  const shown = detail.slice(0, shownLines).map((line) => `                  ${line}`);
  if (detail.length > shownLines) shown.push(`                  and ${formatCount(detail.length - shownLines)} more`);
  return [first, ...shown, ...(hint === null ? [] : [`                  hint: ${hint}`])];
}

function recoveryLines({ recovery, phases, tables }: Proof): string[] {
  if (phases.length === 0) return [];
  const times = phases.map(({ name, durationMs }) => `${name} ${formatDuration(durationMs)}`).join(', ');
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const amount = `${plural(tables.length, 'table')}, ${plural(rows, 'row')}`;
  if (recovery === null) return [...(tables.length === 0 ? [] : [`restored: ${amount}`]), `times: ${times}`];
  const until = recovery.lastCommit === null ? '' : `, last commit ${recovery.lastCommit}`;
  return [`recovered to ${recovery.target}: ${recovery.lsn}${until}; ${amount}`, `times: ${times}`];
}

function verdictLine(terminal: Terminal, proof: Proof): string {
  const words: Readonly<Record<Verdict, string>> = {
    passed: proof.recoveryMs === null ? 'passed' : `passed: recovery proved in ${recoveryTime(proof)}`,
    failed: 'failed: the backup is not good',
    inconclusive: 'inconclusive: the backup could not be tested',
  };
  return styled(terminal, colors[proof.verdict], words[proof.verdict]);
}

function recoveryTime({ recoveryMs }: Proof): string {
  return recoveryMs === null ? '' : formatDuration(recoveryMs);
}
