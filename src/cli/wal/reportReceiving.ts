import { formatLsn, type Lsn } from '../../postgres/lsn.ts';
import type { ReceiveStatus } from '../../wal/receiveStatus.ts';
import { formatBytes, plural } from '../format.ts';
import type { Printer } from '../printer.ts';

export type StatusListener = (status: ReceiveStatus) => void;

/**
 * Shows how a receiver is: to a program an object whenever something changed, to a person at a terminal a progress bar,
 * and to every person a line when it begins to stream, when something keeps it from moving on, and when WAL is lost.
 */
export function reportReceiving(printer: Printer, { interactive }: { readonly interactive: boolean }): StatusListener {
  const event = eventReporter(printer);
  if (printer.json) return onChange((status) => printer.result('wal_status', statusFields(status), () => ''), event);
  if (!interactive) return event;
  printer.progress.phase('receiving WAL');
  let before: Lsn | undefined;
  return (status) => {
    event(status);
    const { archivedLsn } = status;
    if (archivedLsn === undefined) return;
    if (before !== undefined && archivedLsn > before) printer.progress.advance({ bytes: Number(archivedLsn - before) });
    before = archivedLsn;
  };
}

/** For programs; LSNs as PostgreSQL prints them. */
export function statusFields(status: ReceiveStatus): Record<string, unknown> {
  const { problem } = status;
  return {
    state: status.state,
    timeline: status.timeline,
    server_lsn: text(status.serverLsn),
    received_lsn: text(status.receivedLsn),
    flushed_lsn: text(status.flushedLsn),
    archived_lsn: text(status.archivedLsn),
    lag_bytes: Number(status.lagBytes),
    lag_seconds: Math.round(status.lagSeconds * 10) / 10,
    bytes_per_second: status.bytesPerSecond,
    segments_archived: status.segmentsArchived,
    gaps: status.gaps,
    ...(problem === undefined ? {} : { problem: { code: problem.code, message: problem.message, hint: problem.hint } }),
  };
}

export function summaryText(status: ReceiveStatus): string {
  const { archivedLsn, segmentsArchived, lagBytes } = status;
  if (archivedLsn === undefined) return 'no WAL was received';
  const until = `the repository has the WAL up to ${formatLsn(archivedLsn)}`;
  const behind = lagBytes > 0n ? `, ${formatBytes(lagBytes)} behind the server` : '';
  return `${until}${behind}; ${plural(segmentsArchived, 'segment')} stored`;
}

function onChange(report: StatusListener, event: StatusListener): StatusListener {
  let before = '';
  return (status) => {
    event(status);
    const { lag_seconds: _age, bytes_per_second: _rate, ...rest } = statusFields(status);
    const now = JSON.stringify(rest);
    if (now !== before) report(status);
    before = now;
  };
}

function eventReporter(printer: Printer): StatusListener {
  let before: ReceiveStatus | undefined;
  return (status) => {
    const { state, problem, gaps, timeline, receivedLsn } = status;
    if (state === 'streaming' && (before?.state !== 'streaming' || before.timeline !== timeline)) {
      const where = receivedLsn === undefined ? '' : ` at ${formatLsn(receivedLsn)}`;
      printer.remark(`streaming WAL of timeline ${timeline}${where}`);
    }
    if (problem !== undefined && problem.code !== before?.problem?.code) {
      printer.warn(`${problem.message}; trying again${problem.hint === undefined ? '' : ` (${problem.hint})`}`);
    }
    if (gaps > (before?.gaps ?? 0)) {
      printer.warn('the server had removed WAL that was not received: take a new base backup now');
    }
    before = status;
  };
}

function text(lsn: Lsn | undefined): string | undefined {
  return lsn === undefined ? undefined : formatLsn(lsn);
}
