import type { PruneResult } from '../../retention/prune.ts';
import type { Printer } from '../printer.ts';
import { pruneFields, pruneText } from './describePrune.ts';
import { walExpiryFields, walExpiryText } from './describeWal.ts';

/** What a prune did, or would do: packs, then WAL. */
export function printPruned(printer: Printer, { pruned, wal }: PruneResult, dryRun: boolean): void {
  printer.result('prune_summary', pruneFields(pruned, dryRun), () => pruneText(pruned, dryRun));
  for (const expiry of wal) {
    printer.result('wal_expiry', walExpiryFields(expiry, dryRun), () => walExpiryText(expiry, dryRun));
  }
}
