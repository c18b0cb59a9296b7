import { OperationError } from '../../base/errors.ts';
import type { RecoveryLog } from './recoveryLog.ts';
import type { LogEntry } from './serverLog.ts';

const targetMissed = [
  /^recovery ended before configured recovery target was reached/,
  /^requested recovery stop point is before consistent recovery point/,
  /^requested timeline \d+ (is not a child of|does not contain)/,
  /^recovery target timeline \d+ does not exist/,
];

/** Why a server ended by itself, in its own words: the last FATAL or PANIC that is not just an aftermath. */
export function serverStopped(exitStatus: number, recovery: RecoveryLog, logFile: string): OperationError {
  const { failures } = recovery;
  const telling = failures.find(isTargetMissed) ?? failures.at(-1);
  const missed = telling !== undefined && isTargetMissed(telling);
  const reason = telling?.message ?? `exit status ${exitStatus}, no FATAL message in its log`;
  const hint = telling?.more.find((line) => line.startsWith('HINT: '))?.slice('HINT: '.length);
  return new OperationError(missed ? 'target-outside-window' : 'postgres-program', `PostgreSQL stopped: ${reason}`, {
    hint: hint ?? telling?.more.find((line) => line.startsWith('DETAIL: ')) ?? `its log: ${logFile}`,
    detail: {
      exitStatus,
      logFile,
      failures: failures.map(({ severity, message, more }) => [`${severity}: ${message}`, ...more].join('\n')),
    },
  });
}

function isTargetMissed({ message }: LogEntry): boolean {
  return targetMissed.some((pattern) => pattern.test(message));
}
