import { tryParseLsn, type Lsn } from '../lsn.ts';
import type { LogEntry } from './serverLog.ts';

/** What the server's log has told about its recovery so far. Wording checked on PostgreSQL 13 to 18. */
export class RecoveryLog {
  consistentAt: Lsn | undefined;
  /** The newest position that was reported; only 15 and later report while they replay. */
  redoPosition: Lsn | undefined;
  /** The newest file that restore_command fetched. */
  restoredFile: string | undefined;
  /** E.g. `before commit of transaction 735, time 2026-11-21 10:42:00.1+00`; set only when a target was reached. */
  stoppedAt: string | undefined;
  lastCommit: string | undefined;
  /** Set when a standby cannot go on because its own limits are lower than its primary's. */
  insufficientSettings: string | undefined;
  /** FATAL and PANIC entries, and what came before the first log line. */
  readonly failures: LogEntry[] = [];

  add(entry: LogEntry): void {
    if (isFailure(entry) && this.failures.length < maxFailures) this.failures.push(entry);
    for (const [pattern, take] of facts) {
      const match = pattern.exec(entry.message);
      if (match !== null) take(this, match[1] ?? '', entry);
    }
  }
}

const maxFailures = 20;

/** "the database system is starting up" and its like answer an early connection and are no failure of the server. */
const rejection = /^the database system is |^terminating (connection|walreceiver)|^(role|database) ".*" does not exist/;

type Take = (log: RecoveryLog, value: string, entry: LogEntry) => void;

const facts: ReadonlyArray<readonly [RegExp, Take]> = [
  [/^consistent recovery state reached at (\S+)/, (log, value) => (log.consistentAt = tryParseLsn(value))],
  [/^redo in progress, .*current LSN: (\S+)/, (log, value) => (log.redoPosition = tryParseLsn(value))],
  [/^redo done at ([0-9A-F]+\/[0-9A-F]+)/, (log, value) => (log.redoPosition = tryParseLsn(value))],
  [/^restored log file "([^"]+)" from archive/, (log, value) => (log.restoredFile = value)],
  [/^recovery stopping (.*)$/, (log, value) => (log.stoppedAt = value)],
  [/^last completed transaction was at log time (.*)$/, (log, value) => (log.lastCommit = value)],
  [
    /^(hot standby is not possible because .*)$/,
    (log, value, entry) => (log.insufficientSettings = [value, ...entry.more].join('; ')),
  ],
];

function isFailure({ severity, message }: LogEntry): boolean {
  if (severity === 'OUTPUT' || severity === 'PANIC') return true;
  return severity === 'FATAL' && !rejection.test(message);
}
