import { OperationError } from '../base/errors.ts';
import type { ByteRange } from './backend.ts';

/** The error for an object that ends before the bytes that were asked for. */
export function tooShort(name: string, sizeBytes: number, range: ByteRange): OperationError {
  return new OperationError('repository-damaged', `cannot read ${name}: it ends before the bytes that were asked for`, {
    hint: 'the object is truncated; run `understudy check`',
    detail: { name, sizeBytes, offset: range.offset, length: range.length },
  });
}

/** The error for an object that is not there. */
export function objectMissing(name: string): OperationError {
  return new OperationError('object-missing', `cannot read ${name}: there is no such object`, { detail: { name } });
}

/** The error for an object that must not be there yet. */
export function objectExists(name: string): OperationError {
  return new OperationError('object-exists', `cannot create ${name}: the object is already there`, {
    detail: { name },
  });
}
