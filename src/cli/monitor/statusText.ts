import { exposureOf } from '../../monitor/exposure.ts';
import type { BackupFacts, SlotFacts, SourceFacts, StorageFacts, WalFacts } from '../../monitor/facts.ts';
import { badFindings, worstOf, type Finding, type Severity } from '../../monitor/finding.ts';
import type { SourceObjectives } from '../../monitor/objectives.ts';
import { findingText, verdictSentence } from '../../monitor/verdict.ts';
import { lossText, spanText } from '../../monitor/words.ts';
import { formatBytes, formatLocalTime, plural } from '../format.ts';
import { visible } from '../ls/describeNode.ts';
import { styled, type Terminal } from '../terminal.ts';
import { chartMarks, sizeChart, sizesByDay, type ChartMarks } from './sizeChart.ts';
import type { Survey } from './survey.ts';
import { wrapped, wrappedBehind } from './wrapped.ts';

export interface StatusOptions {
  readonly terminal: Pick<Terminal, 'color' | 'interactive' | 'width'>;
  readonly marks?: ChartMarks;
  /** Backups of each source; undefined for the usual number. */
  readonly last: number | undefined;
}

const chartDays = 7;
const colors = { ok: 'green', info: 'green', warning: 'yellow', unknown: 'yellow', critical: 'red' } as const;
const indent = '  ';
const shownGaps = 3;
/** Columns of indent and label. */
const labelEnd = 13;

/** The whole report: verdict, sources, repository, what needs attention. */
export function statusText(survey: Survey, options: StatusOptions): string {
  const { findings, facts, objectives } = survey;
  const { terminal } = options;
  const worst = worstOf(findings);
  const lines = [...wrapped(`${severityWord(terminal, worst)} ${visible(verdictSentence(findings))}`, terminal), ''];
  for (const source of facts.sources) lines.push(...sourceLines(source, survey, options), '');
  for (const [name, { kind, tier }] of objectives ?? []) {
    const isJudged = findings.some(({ source }) => source === name);
    if (!isJudged || facts.sources.some((found) => found.source === name && found.kind === kind)) continue;
    lines.push(
      `${title(terminal, `${name} (${[kind, ...tierWords(tier)].join(', ')})`)}  ${severityWord(terminal, 'critical')}`,
    );
    lines.push(...labelled('backups', ['none']), '');
  }
  lines.push(...storageLines(facts.storage, facts.sources));
  if (facts.foreignSnapshots > 0) {
    lines.push(...labelled('others', [`${plural(facts.foreignSnapshots, 'snapshot')} of other programs, not judged`]));
  }
  const fitting = lines.flatMap((line) => (line.startsWith(indent) ? wrappedBehind(line, labelEnd, terminal) : [line]));
  return [...fitting, '', ...attentionLines(findings, terminal)].join('\n');
}

function sourceLines(facts: SourceFacts, { now, objectives, findings }: Survey, options: StatusOptions): string[] {
  const objective = objectives?.get(facts.source);
  const configured = objective?.kind === facts.kind ? objective : undefined;
  const about = [facts.kind, ...tierWords(configured?.tier)];
  const isJudged = objectives === undefined || configured !== undefined;
  const own = findings.filter(({ source }) => source === facts.source);
  const heading = title(
    options.terminal,
    `${facts.source} (${about.join(', ')}${isJudged ? '' : ', not configured here'})`,
  );
  return [
    `${heading}  ${isJudged ? severityWord(options.terminal, worstOf(own)) : 'not judged'}`,
    ...backupLines(facts, options.last),
    ...labelled('sizes', [chartLine(facts, now, options.marks ?? chartMarks(process.env))]),
    ...labelled('exposure', [exposureText(facts, configured, now)]),
    ...labelled('recovery', [recoveryText(facts, configured)]),
    ...labelled('verified', [verifiedText(facts, now)]),
    ...walLines(facts),
    ...labelled('retention', facts.slots.length === 0 ? [] : [facts.slots.map(slotText).join(', ')]),
    ...labelled('held', facts.held === undefined ? [] : [visible(facts.held)]),
  ];
}

function tierWords(tier: SourceObjectives['tier']): string[] {
  return tier === undefined ? [] : [`tier ${tier.name}`];
}

function backupLines({ kind, backups, backupCount, firstBackup }: SourceFacts, last: number | undefined): string[] {
  const count = last ?? (kind === 'postgres' || kind === 'dump' ? 7 : 3);
  const total = `${plural(backupCount, 'backup')} since ${formatLocalTime(firstBackup).slice(0, 10)}`;
  return labelled('backups', [total, ...backups.slice(0, count).map(backupText)]);
}

function backupText({ id, time, sizeBytes, flaw }: BackupFacts): string {
  const size = sizeBytes === undefined ? '' : formatBytes(sizeBytes);
  const text = `${formatLocalTime(time)}  ${id.slice(0, 8)}  ${size.padStart(10)}`;
  return flaw === undefined ? text : `${text}  NOT GOOD: ${visible(flaw.reason)}`;
}

function chartLine({ backups }: SourceFacts, now: Date, marks: ChartMarks): string {
  const sizes = sizesByDay(backups, { days: chartDays, now }).filter((size) => size !== undefined);
  const chart = sizeChart(backups, { days: chartDays, now, marks });
  if (sizes.length === 0) return `${chart}  none in ${chartDays} days`;
  const [least, most] = [formatBytes(Math.min(...sizes)), formatBytes(Math.max(...sizes))];
  return `${chart}  ${chartDays} days, ${least === most ? most : `${least} to ${most}`}`;
}

function exposureText(facts: SourceFacts, objective: SourceObjectives | undefined, now: Date): string {
  const exposure = exposureOf(facts, now);
  if (exposure === undefined) return 'everything would be lost now: there is no good backup of it';
  const { rpoMs } = objective?.tier ?? {};
  if (objective?.tier !== undefined && rpoMs === undefined) {
    return `as of ${formatLocalTime(exposure.point)}; base backups and WAL of its server keep the recovery point`;
  }
  const allowed = rpoMs === undefined ? '' : `, of at most ${spanText(rpoMs)}`;
  const by = exposure.by === 'wal' ? 'by WAL' : 'by the newest backup';
  return `${lossText(exposure.lossMs)} would be lost now${allowed} (${by}, as of ${formatLocalTime(exposure.point)})`;
}

function recoveryText({ recovery }: SourceFacts, objective: SourceObjectives | undefined): string {
  const allowed = objective?.tier === undefined ? '' : `, of at most ${spanText(objective.tier.rtoMs)}`;
  if (recovery === undefined) return `no recovery time has been proved${allowed}`;
  const { durationMs, at } = recovery;
  const took = durationMs < 1000 ? `${(durationMs / 1000).toFixed(1)} s` : spanText(durationMs);
  return `${took}${allowed} (proved ${formatLocalTime(at).slice(0, 10)})`;
}

function verifiedText({ verified, lastProof }: SourceFacts, now: Date): string {
  const age = (at: Date): string => `${spanText(now.getTime() - at.getTime())} ago`;
  const good = verified === undefined ? 'never' : `${age(verified.at)}, level ${verified.level}`;
  if (lastProof === undefined || lastProof.verdict === 'passed') return good;
  return `${good}; ${lastProof.verdict.toUpperCase()} ${age(lastProof.at)}, level ${lastProof.level}`;
}

function walLines({ kind, wal }: SourceFacts): string[] {
  if (wal === undefined) return kind === 'postgres' ? labelled('WAL', ['none is archived']) : [];
  if ('unreadable' in wal) return labelled('WAL', [`cannot be judged: ${visible(wal.unreadable)}`]);
  const { segments, storedBytes, window, newest, gaps, backupNeeded } = wal;
  const { begin, lastCommit, endLsn } = window;
  const reach = lastCommit === undefined ? endLsn : `${formatLocalTime(lastCommit)} (${endLsn})`;
  const stored = newest === undefined ? '' : `, the newest stored ${formatLocalTime(newest.storedAt)}`;
  return labelled('WAL', [
    `${plural(segments, 'segment')}, ${formatBytes(storedBytes)}${stored}`,
    `recovers to any moment from ${formatLocalTime(begin)} to ${reach}`,
    ...gapTexts(gaps),
    ...(backupNeeded ? ['its newest WAL follows no good backup: A BASE BACKUP IS NEEDED'] : []),
    ...serverText(wal.server),
  ]);
}

/** The newest of them. */
function gapTexts(gaps: readonly string[]): string[] {
  const shown = gaps.slice(-shownGaps).map((gap) => `missing ${gap}`);
  const rest = gaps.length - shown.length;
  return rest > 0 ? [`missing in ${rest} more places`, ...shown] : shown;
}

function serverText(server: WalFacts['server']): string[] {
  switch (server.state) {
    case 'all-archived':
      return ['the server has written nothing that is not archived'];
    case 'at-most':
      return [`the server hands over what is newer within ${spanText(server.archiveTimeoutMs)}`];
    case 'unreachable':
      return [`the server cannot be asked: ${visible(server.reason)}`];
    case 'when-full':
      return ['the server hands over its newest segment only when it is full: archive_timeout is not set'];
    case 'behind':
    case 'not-asked':
      return [];
  }
}

function slotText({ rule, filled, wanted, missing }: SlotFacts): string {
  const promised = wanted === undefined ? String(filled) : `${filled}/${wanted}`;
  return `${rule} ${promised}${missing.length === 0 ? '' : ` (${missing.length} missing)`}`;
}

function storageLines(storage: StorageFacts | undefined, sources: readonly SourceFacts[]): string[] {
  if (storage === undefined) return [];
  const { location, totalBytes, walBytes, written } = storage;
  const wal = walBytes === 0 ? '' : `, of which WAL ${formatBytes(walBytes)}`;
  const growth =
    written === undefined
      ? []
      : [`${formatBytes(written.last7Days)} written in 7 days, ${formatBytes(written.last30Days)} in 30`];
  const largest = sources
    .flatMap(({ source, backups }) =>
      backups[0]?.sizeBytes === undefined ? [] : [{ source, sizeBytes: backups[0].sizeBytes }],
    )
    .toSorted((one, other) => other.sizeBytes - one.sizeBytes)
    .slice(0, 3)
    .map(({ source, sizeBytes }) => `${source} ${formatBytes(sizeBytes)}`);
  return [
    `repository ${location}`,
    ...labelled('size', [`${formatBytes(totalBytes)}${wal}`, ...growth]),
    ...labelled('largest', largest.length === 0 ? [] : [`${visible(largest.join(', '))} when restored`]),
  ];
}

function attentionLines(findings: readonly Finding[], terminal: StatusOptions['terminal']): string[] {
  const bad = badFindings(findings);
  if (bad.length === 0) return ['nothing needs attention'];
  const line = (finding: Finding): string[] =>
    wrapped(`${severityWord(terminal, finding.severity)} ${visible(findingText(finding))}`, terminal);
  return [`${plural(bad.length, 'finding needs', 'findings need')} attention:`, ...bad.flatMap(line)];
}

/** Lines under one label, which stands before the first. */
function labelled(label: string, texts: readonly string[]): string[] {
  return texts.map((text, index) => `${(indent + (index === 0 ? label : '')).padEnd(labelEnd)}${text}`);
}

function title(terminal: Pick<Terminal, 'color'>, text: string): string {
  return styled(terminal, 'bold', visible(text));
}

function severityWord(terminal: Pick<Terminal, 'color'>, severity: Severity): string {
  const word = severity === 'info' ? 'OK' : severity.toUpperCase();
  return styled(terminal, colors[severity], word);
}
