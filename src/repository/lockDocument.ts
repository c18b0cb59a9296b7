import { hostname, userInfo } from 'node:os';
import { OperationError, systemErrorCode } from '../base/errors.ts';

/** A lock as restic writes it. */
export interface LockDocument {
  readonly time: Date;
  readonly exclusive: boolean;
  readonly hostname: string;
  readonly username: string;
  readonly pid: number;
}

/** A lock that nobody refreshed for this long is stale. */
const staleAfterMs = 30 * 60 * 1000;

export function createLockDocument(now: Date, exclusive: boolean): LockDocument {
  return { time: now, exclusive, hostname: hostname(), username: userInfo().username, pid: process.pid };
}

export function serializeLock(lock: LockDocument): Buffer {
  const ids = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  return Buffer.from(JSON.stringify({ ...lock, time: lock.time.toISOString(), ...ids }));
}

export function parseLock(json: Buffer): LockDocument {
  const raw = JSON.parse(json.toString('utf8')) as Record<string, unknown>;
  const time = new Date(typeof raw.time === 'string' ? raw.time : Number.NaN);
  if (Number.isNaN(time.getTime())) throw new OperationError('repository-damaged', 'a lock has no time');
  return {
    time,
    exclusive: raw.exclusive === true,
    hostname: text(raw.hostname),
    username: text(raw.username),
    pid: typeof raw.pid === 'number' ? raw.pid : 0,
  };
}

/** Old, or of a process of this host that is gone. Unlike restic we look without sending the process a signal. */
export function isStale(lock: LockDocument, now: Date): boolean {
  if (now.getTime() - lock.time.getTime() > staleAfterMs) return true;
  return lock.hostname === hostname() && lock.pid > 0 && !isRunning(lock.pid);
}

/** One line for a person: who holds it since when. */
export function describeLock(lock: LockDocument): string {
  const kind = lock.exclusive ? 'exclusively ' : '';
  return `locked ${kind}by ${lock.username}@${lock.hostname} (pid ${lock.pid}) since ${lock.time.toISOString()}`;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === 'EPERM';
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
