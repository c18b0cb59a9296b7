import { OperationError } from '../../base/errors.ts';
import type { ErrorCode } from '../../base/errorCodes.ts';
import type { ServerNotice } from './messages.ts';

interface Verdict {
  readonly code: ErrorCode;
  readonly hint?: string;
}

const unreachable: Verdict = { code: 'postgres-unreachable', hint: 'is the server starting, stopping or restarting?' };
const invalidSlot: Verdict = {
  code: 'wal-slot',
  hint: 'pg_replication_slots shows the slots, who uses them and which have lost their WAL',
};

const verdicts: Readonly<Record<string, Verdict>> = {
  '28P01': { code: 'postgres-denied', hint: 'is this the password of this user, and has it not expired?' },
  '28000': {
    code: 'postgres-denied',
    hint:
      'does the role exist, and has pg_hba.conf a line for it, this address and this kind of connection? ' +
      'streaming needs a line with `replication` in the database column: `all` does not match it',
  },
  '42501': {
    code: 'postgres-denied',
    hint: 'is the privilege granted to this role? streaming needs ALTER ROLE ... REPLICATION',
  },
  '3D000': { code: 'not-found', hint: 'is the database name spelled right, upper and lower case included?' },
  '53300': {
    code: 'postgres-unreachable',
    hint: 'close connections, or raise max_connections (max_wal_senders for streaming)',
  },
  '53400': { code: 'postgres-settings', hint: 'drop an unused replication slot or raise max_replication_slots' },
  '55000': { code: 'postgres-settings', hint: 'streaming and online backups need wal_level = replica or logical' },
  '0A000': { code: 'postgres-unsupported' },
  '08P01': {
    code: 'postgres-unsupported',
    hint: 'is this a pooler? streaming and backups need a direct connection to the server',
  },
  '57P01': unreachable,
  '57P02': unreachable,
  '57P03': unreachable,
  '57P05': { code: 'postgres-unreachable', hint: 'does idle_session_timeout end idle sessions?' },
};

const removedWal: Verdict = {
  code: 'wal-gap',
  hint: 'the server no longer has this WAL: a new base backup is needed; a replication slot prevents this',
};
const otherHistory: Verdict = {
  code: 'cluster-mismatch',
  hint: 'was the server restored, rewound or promoted at an earlier point than the WAL received so far?',
};

/** C functions whose errors mean more than their SQLSTATE says. Their names are the same in every language. */
const routineVerdicts: Readonly<Record<string, Readonly<Record<string, Verdict>>>> = {
  WalSndSegmentOpen: { '58P01': removedWal },
  CheckXLogRemoved: { '58P01': removedWal },
  StartReplication: { XX000: otherHistory },
  tliSwitchPoint: { XX000: otherHistory },
  SendTimeLineHistory: { '58P01': { code: 'not-found', hint: 'timeline 1 has no history file' } },
};

/**
 * Translates what the server reported. The code comes from the SQLSTATE, which `detail.sqlstate` holds;
 * errors without a code of their own are `postgres-protocol`.
 */
export function serverError(attempted: string, notice: ServerNotice): OperationError {
  const verdict = findVerdict(notice);
  const hint = verdict.hint ?? notice.hint;
  return new OperationError(verdict.code, `${attempted}: ${firstLine(notice.message)}`, {
    ...(hint === undefined ? {} : { hint: firstLine(hint) }),
    detail: { sqlstate: notice.sqlstate, severity: notice.severity, routine: notice.routine },
  });
}

function findVerdict({ sqlstate, routine = '' }: ServerNotice): Verdict {
  const special = routineVerdicts[routine]?.[sqlstate];
  if (special !== undefined) return special;
  if (routine.startsWith('ReplicationSlot') && sqlstate !== '53400' && sqlstate !== '42501') return invalidSlot;
  const known = verdicts[sqlstate];
  if (known !== undefined) return known;
  return sqlstate.startsWith('08') ? unreachable : { code: 'postgres-protocol' };
}

export function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.trim() ?? '';
}
