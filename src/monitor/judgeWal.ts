import { newestUsable } from './exposure.ts';
import type { JudgedFacts, Opinion } from './opinion.ts';
import { momentText } from './words.ts';

/** So long the WAL of a backup may be on its way to the archive. */
const archivingTakesMs = 15 * 60_000;

/** Whether the server is the one that is backed up, and its WAL leaves it. */
export function judgeServer({ facts: { server } }: JudgedFacts): Opinion | undefined {
  if (server === undefined) return undefined;
  if (server.isAnotherCluster) {
    const message = 'the server holds another cluster than the newest backup: there is no backup of what it holds';
    return { severity: 'critical', message, values: {} };
  }
  const { archivingFails } = server;
  if (archivingFails === undefined) return { severity: 'ok', message: 'the server is the one backed up', values: {} };
  const { segment, lastSuccess, waitingFiles } = archivingFails;
  const since = lastSuccess === undefined ? 'it has never succeeded' : `it last succeeded ${momentText(lastSuccess)}`;
  const waiting = waitingFiles === undefined ? '' : `; files that wait: ${waitingFiles}`;
  return {
    severity: 'warning',
    message: `the server fails to archive WAL (${segment}); ${since}${waiting}`,
    values: { segment, ...(waitingFiles === undefined ? {} : { waitingFiles }) },
  };
}

/** Whether archived WAL leads from the newest good backup to the present. */
export function judgeWal({ facts: { kind, wal, backups }, now }: JudgedFacts): Opinion | undefined {
  if (wal === undefined) {
    if (kind !== 'postgres' || newestUsable(backups, now) === undefined) return undefined;
    return { severity: 'info', message: 'no WAL is archived: only the backups themselves can be restored', values: {} };
  }
  if ('unreadable' in wal) {
    return { severity: 'unknown', message: `its WAL cannot be judged: ${wal.unreadable}`, values: {} };
  }
  const { segments, gaps, backupNeeded, behindBackup, server } = wal;
  const values = { segments, gaps: gaps.length };
  const [gap] = gaps.toReversed();
  if (backupNeeded) {
    const lost = gap === undefined ? 'it follows no good backup' : `${gap} is missing`;
    const message = `its newest WAL cannot be recovered: ${lost}, and no base backup has been made since`;
    return { severity: 'critical', message, values };
  }
  const backup = newestUsable(backups, now);
  if (behindBackup && backup !== undefined && now.getTime() - backup.time.getTime() > archivingTakesMs) {
    return { severity: 'warning', message: 'no WAL has been archived since the newest base backup', values };
  }
  if (server.state === 'unreachable') {
    return { severity: 'info', message: `the server cannot be asked: ${server.reason}`, values };
  }
  if (gap !== undefined) {
    return { severity: 'info', message: `WAL is missing, ${gap}; a later base backup is there`, values };
  }
  return { severity: 'ok', message: 'WAL follows the newest base backup without a gap', values };
}
