import { OperationError } from '../../base/errors.ts';
import type { KernelHost } from '../../base/workerPool.ts';
import type { BlobConsumer } from '../blobConsumer.ts';
import { plainLength, type BlobLocation } from '../blobTable.ts';
import type { BlobOpener } from './blobOpener.ts';
import type { PackReader } from './packReader.ts';

/** Progress counters of the read kernel; consumers have those after them. */
export const counterRawBytes = 0;
export const counterSealedBytes = 1;

/** One loop over jobs with what it works with. A thread has one; waiting for remote storage, several take turns. */
export interface ReadLane {
  readonly reader: PackReader;
  readonly opener: BlobOpener;
  readonly consumer: BlobConsumer | undefined;
  readonly host: KernelHost;
}

/** Ends a loop when the pool is told to stop. */
export function stopWhenAborted(host: KernelHost): void {
  if (host.aborted()) throw new OperationError('interrupted', 'the operation was stopped');
}

/** Counts a blob that was read once and is wanted `times`. */
export function countBlob({ host }: ReadLane, location: BlobLocation, times = 1): void {
  host.counters[counterRawBytes]! += plainLength(location) * times;
  host.counters[counterSealedBytes]! += location.length;
}
