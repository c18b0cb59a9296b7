import { formatLsn } from '../../postgres/lsn.ts';
import type { WalRange } from '../../wal/walGaps.ts';
import type { WalServerStatus } from '../../wal/walServerStatus.ts';
import type { WalArchiveStatus } from '../../wal/walStatus.ts';
import { formatBytes, plural } from '../format.ts';

/** What the server has and the archive has not; undefined when they are not on the same timeline. */
export function lagBytes({ newest }: WalArchiveStatus, server: WalServerStatus | undefined): bigint | undefined {
  if (server === undefined || newest === undefined || newest.timeline !== server.timeline) return undefined;
  return server.currentLsn > newest.lsn ? server.currentLsn - newest.lsn : 0n;
}

/** For programs; LSNs as PostgreSQL prints them, 64-bit identifiers as text. */
export function walStatusFields(status: WalArchiveStatus, server: WalServerStatus | undefined) {
  const { newest } = status;
  const lag = lagBytes(status, server);
  return {
    system_identifier: String(status.systemIdentifier),
    files: status.files,
    stored_bytes: status.storedBytes,
    ranges: status.ranges.map(rangeFields),
    newest:
      newest === undefined
        ? null
        : { timeline: newest.timeline, lsn: formatLsn(newest.lsn), stored_at: newest.storedAt.toISOString() },
    gaps: status.gaps.map(rangeFields),
    lost: status.lost.map(({ timeline, begin, end, recordedAt, reason }) => ({
      timeline,
      begin: formatLsn(begin),
      end: formatLsn(end),
      recorded_at: recordedAt.toISOString(),
      reason,
    })),
    backup_needed: status.backupNeeded,
    ...(server === undefined
      ? {}
      : { server: serverFields(server), lag_bytes: lag === undefined ? null : Number(lag) }),
  };
}

/** For people, one fact a line. */
export function walStatusText(status: WalArchiveStatus, server: WalServerStatus | undefined): string {
  const { newest, ranges, gaps, lost } = status;
  const lines = [
    `cluster ${status.systemIdentifier}: ${plural(status.files, 'file')}, ${formatBytes(status.storedBytes)}`,
    ...ranges.map((range) => `  there    ${rangeText(range)}`),
    ...gaps.map((range) => `  missing  ${rangeText(range)}`),
    ...lost.map(({ begin, end, reason }) => `  lost     ${formatLsn(begin)} to ${formatLsn(end)}: ${reason}`),
  ];
  if (newest !== undefined) {
    const { timeline, lsn, storedAt } = newest;
    lines.push(`  newest   ${formatLsn(lsn)} on timeline ${timeline}, stored ${storedAt.toISOString()}`);
  }
  return [...lines, ...(server === undefined ? [] : serverLines(status, server))].join('\n');
}

function rangeFields({ timeline, begin, end, first, last, segments }: WalRange) {
  return { timeline, begin: formatLsn(begin), end: formatLsn(end), first, last, segments: Number(segments) };
}

function rangeText({ timeline, begin, end, segments }: WalRange): string {
  return `timeline ${timeline}, ${formatLsn(begin)} to ${formatLsn(end)}, ${plural(Number(segments), 'segment')}`;
}

function serverFields(server: WalServerStatus) {
  const { archiver, slots, waitingFiles } = server;
  return {
    timeline: server.timeline,
    current_lsn: formatLsn(server.currentLsn),
    standby: server.isStandby,
    archive_mode: server.archiveMode,
    archived_files: Number(archiver.archivedFiles),
    last_archived: archiver.lastArchived,
    last_archived_at: archiver.lastArchivedAt,
    failures: Number(archiver.failures),
    last_failed: archiver.lastFailed,
    last_failed_at: archiver.lastFailedAt,
    waiting_files: waitingFiles === undefined ? null : Number(waitingFiles),
    slots: slots.map(({ name, active, restartLsn, walStatus }) => ({
      name,
      active,
      restart_lsn: restartLsn === null ? null : formatLsn(restartLsn),
      wal_status: walStatus,
    })),
  };
}

function serverLines(status: WalArchiveStatus, server: WalServerStatus): string[] {
  const { archiver, slots, waitingFiles } = server;
  const lag = lagBytes(status, server);
  const behind = lag === undefined ? 'the archive is not on its timeline' : `the archive is ${formatBytes(lag)} behind`;
  const lines = [`  server   ${formatLsn(server.currentLsn)} on timeline ${server.timeline}: ${behind}`];
  if (server.archiveMode !== 'off') {
    const waiting = waitingFiles === undefined ? '' : `, ${plural(Number(waitingFiles), 'file')} waiting`;
    const last = archiver.lastArchived === null ? 'nothing archived yet' : `last archived ${archiver.lastArchived}`;
    lines.push(`  archiver ${last}${waiting}`);
    if (isFailing(archiver)) lines.push(`  archiver FAILS at ${archiver.lastFailed} since ${archiver.lastFailedAt}`);
  }
  for (const { name, active, walStatus } of slots) {
    lines.push(`  slot     ${name}: ${active ? 'in use' : 'not in use'}, WAL ${walStatus ?? 'not reserved'}`);
  }
  return lines;
}

function isFailing({ lastFailedAt, lastArchivedAt }: WalServerStatus['archiver']): boolean {
  return lastFailedAt !== null && (lastArchivedAt === null || lastFailedAt > lastArchivedAt);
}
