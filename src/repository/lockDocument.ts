import { hostname, userInfo } from 'node:os';
import { OperationError } from '../base/errors.ts';
import { isKnownGone, looksGone, thisHolder, type LockHolder } from './lockHolder.ts';

/** A lock as restic writes it, and who holds it when we wrote it. */
export interface LockDocument {
  readonly time: Date;
  readonly exclusive: boolean;
  readonly hostname: string;
  readonly username: string;
  readonly pid: number;
  readonly holder?: LockHolder;
}

/** A lock that nobody refreshed for this long is stale. */
const staleAfterMs = 30 * 60 * 1000;

export function createLockDocument(now: Date, exclusive: boolean): LockDocument {
  const holder = thisHolder();
  const plain = { time: now, exclusive, hostname: hostname(), username: userInfo().username, pid: process.pid };
  return holder === undefined ? plain : { ...plain, holder };
}

/** restic's JSON, with the holder in a member that restic ignores. */
export function serializeLock({ holder, ...lock }: LockDocument): Buffer {
  const ids = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  return Buffer.from(JSON.stringify({ ...lock, time: lock.time.toISOString(), ...ids, understudy_holder: holder }));
}

/** Throws `repository-damaged` for anything that is not a lock. */
export function parseLock(json: Buffer): LockDocument {
  let raw: Record<string, unknown>;
  try {
    raw = JSON.parse(json.toString('utf8')) as Record<string, unknown>;
  } catch (cause) {
    throw new OperationError('repository-damaged', 'a lock is not JSON', { cause });
  }
  const time = new Date(typeof raw['time'] === 'string' ? raw['time'] : Number.NaN);
  if (Number.isNaN(time.getTime())) throw new OperationError('repository-damaged', 'a lock has no time');
  const holder = parseHolder(raw['understudy_holder']);
  return {
    time,
    exclusive: raw['exclusive'] === true,
    hostname: text(raw['hostname']),
    username: text(raw['username']),
    pid: typeof raw['pid'] === 'number' ? raw['pid'] : 0,
    ...(holder === undefined ? {} : { holder }),
  };
}

/** What `unlock` may remove: old, or of a process of this host that is gone. */
export function isStale(lock: LockDocument, now: Date): boolean {
  return isOld(lock, now) || (lock.holder !== undefined && isKnownGone(lock.holder, lock.pid)) || looksGoneHere(lock);
}

/**
 * What may be removed without asking: a lock of ours whose holder is gone or must have stopped, since our holders stop
 * by themselves when they cannot refresh. Stock restic's are left to `unlock`, as restic does it.
 */
export function isAbandoned(lock: LockDocument, now: Date): boolean {
  return lock.holder !== undefined && (isOld(lock, now) || isKnownGone(lock.holder, lock.pid));
}

/** One line for a person: who holds it since when. */
export function describeLock(lock: LockDocument): string {
  const kind = lock.exclusive ? 'exclusively ' : '';
  return `locked ${kind}by ${lock.username}@${lock.hostname} (pid ${lock.pid}) since ${lock.time.toISOString()}`;
}

function isOld(lock: LockDocument, now: Date): boolean {
  return now.getTime() - lock.time.getTime() > staleAfterMs;
}

function looksGoneHere({ hostname: host, pid }: LockDocument): boolean {
  return looksGone(host, pid);
}

function parseHolder(raw: unknown): LockHolder | undefined {
  if (raw === null || typeof raw !== 'object') return undefined;
  const { place, started } = raw as Record<string, unknown>;
  return typeof place === 'string' && typeof started === 'string' ? { place, started } : undefined;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
