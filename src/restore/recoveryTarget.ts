import { OperationError } from '../base/errors.ts';
import { formatLsn, tryParseLsn } from '../postgres/lsn.ts';
import type { RecoveryTarget } from '../postgres/recoverySettings.ts';
import type { TimelineId } from '../postgres/timeline.ts';
import { formatUtcMicroseconds, parseZonedTime } from './zonedTime.ts';

/** How far to recover, along which timeline, and what then. */
export interface RecoveryRequest {
  readonly target: RecoveryTarget;
  /** `latest`: the newest timeline that continues the backup; `current`: the backup's own. */
  readonly timeline: 'latest' | 'current' | TimelineId;
  /** Whether what happened exactly at the target is replayed too. */
  readonly inclusive: boolean;
  readonly action: 'pause' | 'promote' | 'shutdown';
}

/** A target in words, as on the command line; at most one of the first five is given, none means the newest point. */
export interface TargetWords {
  /** With a time zone: `2026-11-21 10:42:00+01:00`, `2026-11-21T09:42:00.5Z`. */
  readonly time?: string | undefined;
  readonly lsn?: string | undefined;
  readonly xid?: string | undefined;
  /** Of a restore point. */
  readonly name?: string | undefined;
  /** As soon as the backup is consistent. */
  readonly immediate?: boolean;
}

/** Names of restore points are shorter than PostgreSQL's MAXFNAMELEN. */
const maxNameBytes = 63;
/** 0 to 2 stand for no transaction and for those of initdb. */
const firstXid = 3n;
const maxXid = 0xffff_ffff_ffff_ffffn;

/** Reads a target. Throws `target-invalid` for two of them, and for one that makes no sense. */
export function parseRecoveryTarget(words: TargetWords): RecoveryTarget {
  const given = Object.entries(words).filter(([, value]) => value !== undefined && value !== false);
  if (given.length > 1) {
    throw invalid(
      `more than one recovery target is given: ${given.map(([kind]) => kind).join(', ')}`,
      'keep one of them',
    );
  }
  if (words.time !== undefined) return timeTarget(words.time);
  if (words.lsn !== undefined) return lsnTarget(words.lsn);
  if (words.xid !== undefined) return xidTarget(words.xid);
  if (words.name !== undefined) return nameTarget(words.name);
  return { kind: words.immediate === true ? 'immediate' : 'latest' };
}

/** Checks what only makes sense together. Throws `target-invalid`. */
export function checkRequest(request: RecoveryRequest, standby: boolean): void {
  const { target, inclusive, action } = request;
  if (!inclusive && (target.kind === 'latest' || target.kind === 'immediate')) {
    throw invalid(
      'exclusive is said without a target that could be excluded',
      'it belongs to a time, LSN or transaction',
    );
  }
  if (!inclusive && target.kind === 'name') {
    throw invalid('a restore point cannot be excluded', 'it is a mark in the log and changes nothing');
  }
  if (!standby) return;
  if (target.kind !== 'latest') {
    throw invalid('a standby follows its primary and has no recovery target', 'leave out the target, or the standby');
  }
  if (action !== 'promote') throw invalid('a standby never reaches the end of recovery', 'leave out the action');
}

/** The target as a person would say it. */
export function describeTarget(target: RecoveryTarget, inclusive = true): string {
  switch (target.kind) {
    case 'latest':
      return 'the newest point';
    case 'immediate':
      return 'the end of the backup';
    case 'time':
      return `${inclusive ? '' : 'just before '}${target.time}`;
    case 'lsn':
      return `${inclusive ? '' : 'just before '}LSN ${formatLsn(target.lsn)}`;
    case 'xid':
      return `${inclusive ? 'after' : 'just before'} transaction ${target.xid}`;
    case 'name':
      return `restore point "${target.name}"`;
  }
}

function timeTarget(text: string): RecoveryTarget {
  const parsed = parseZonedTime(text);
  if (typeof parsed === 'bigint') return { kind: 'time', time: formatUtcMicroseconds(parsed) };
  throw invalid(`'${text}' is not a point in time: ${parsed.problem}`, parsed.hint);
}

function lsnTarget(text: string): RecoveryTarget {
  const lsn = tryParseLsn(text);
  if (lsn !== undefined && lsn > 0n) return { kind: 'lsn', lsn };
  throw invalid(
    `'${text}' is not a WAL position`,
    'write it as PostgreSQL prints it: two hexadecimal numbers, 16/B374D848',
  );
}

function xidTarget(text: string): RecoveryTarget {
  const xid = /^\d{1,20}$/.test(text) ? BigInt(text) : 0n;
  if (xid >= firstXid && xid <= maxXid) return { kind: 'xid', xid };
  throw invalid(
    `'${text}' is not a transaction id`,
    'give the number that txid_current() or a log line prefix with %x showed',
  );
}

function nameTarget(name: string): RecoveryTarget {
  const bytes = Buffer.byteLength(name);
  if (bytes > 0 && bytes <= maxNameBytes && !/[\0\n\r]/.test(name)) return { kind: 'name', name };
  throw invalid(
    `'${name}' cannot be the name of a restore point`,
    `pg_create_restore_point() takes names of 1 to ${maxNameBytes} bytes`,
  );
}

function invalid(message: string, hint: string): OperationError {
  return new OperationError('target-invalid', message, { hint });
}
