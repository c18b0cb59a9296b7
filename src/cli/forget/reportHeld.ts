import { OperationError } from '../../base/errors.ts';
import type { HeldSource } from '../../retention/judgeSnapshots.ts';
import type { Printer } from '../printer.ts';

/** Tells which sources are held. Throws `retention-held` when there are any: whoever runs it from cron must know. */
export function reportHeld(printer: Printer, held: readonly HeldSource[]): void {
  const [first] = held;
  if (first === undefined) return;
  for (const { source, cause, reason } of held) {
    printer.result('retention_held', { source, cause, reason }, () => `nothing of ${source} is removed: ${reason}`);
  }
  const sources = [...new Set(held.map(({ source }) => source))];
  throw new OperationError('retention-held', `retention is held for ${sources.join(', ')}: ${first.reason}`, {
    hint:
      first.cause === 'change'
        ? `look at the backup; if it is as it should be: understudy retention acknowledge ${first.source}`
        : `make a backup and verify it: understudy backup ${first.source} && understudy verify`,
    detail: { sources },
  });
}
