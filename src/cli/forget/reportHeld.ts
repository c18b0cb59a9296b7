import { OperationError } from '../../base/errors.ts';
import type { ClusterWalExpiry } from '../../retention/expireWal.ts';
import type { HeldSource } from '../../retention/judgeSnapshots.ts';
import type { Printer } from '../printer.ts';

export interface KeptBack {
  readonly held: readonly HeldSource[];
  readonly wal: readonly ClusterWalExpiry[];
  /** True when snapshots were forgotten by name, which a hold does not prevent. */
  readonly named: boolean;
}

/**
 * Tells which sources are held. Throws `retention-held` when there are any, and `incomplete` when WAL is kept because a
 * backup cannot be read: whoever runs it from cron must know.
 */
export function reportHeld(printer: Printer, { held, wal, named }: KeptBack): void {
  for (const { source, cause, reason } of held) {
    const text = `${named ? 'but for what is named, ' : ''}nothing of ${source} is removed: ${reason}`;
    printer.result('retention_held', { source, cause, reason }, () => text);
  }
  const [first] = held;
  if (first !== undefined) throw heldError(first, held);
  const undecided = wal.find(({ undecided: one }) => one);
  if (undecided === undefined) return;
  throw new OperationError('incomplete', `no WAL was removed, since nobody can tell which: ${undecided.keptBecause}`, {
    hint: 'run `understudy check`; a backup that stays unreadable can be forgotten by its id',
  });
}

function heldError(first: HeldSource, held: readonly HeldSource[]): OperationError {
  const sources = [...new Set(held.map(({ source }) => source))];
  return new OperationError('retention-held', `retention is held for ${sources.join(', ')}: ${first.reason}`, {
    hint:
      first.cause === 'change'
        ? `look at the backup; if it is as it should be: understudy retention acknowledge ${first.source}`
        : `make a backup and verify it: understudy backup ${first.source} && understudy verify`,
    detail: { sources },
  });
}
