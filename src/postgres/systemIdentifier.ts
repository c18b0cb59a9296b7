import { OperationError, assert } from '../base/errors.ts';

declare const systemIdentifierBrand: unique symbol;

/** What initdb draws once for a cluster and all its physical copies keep: an unsigned 64-bit number. */
export type SystemIdentifier = bigint & { readonly [systemIdentifierBrand]: true };

const decimalPattern = /^[1-9][0-9]{0,19}$/;
const maxIdentifier = 0xffff_ffff_ffff_ffffn;

/** A system identifier from a 64-bit value that PostgreSQL wrote. Out of range is our own bug. */
export function toSystemIdentifier(value: bigint): SystemIdentifier {
  assert(value >= 0n && value <= maxIdentifier, 'a system identifier is an unsigned 64-bit value');
  return value as SystemIdentifier;
}

/** Reads the decimal text that pg_controldata and IDENTIFY_SYSTEM print. Throws `usage` for anything else. */
export function parseSystemIdentifier(text: string): SystemIdentifier {
  const value = decimalPattern.test(text) ? BigInt(text) : undefined;
  if (value === undefined || value > maxIdentifier) {
    throw new OperationError('usage', `'${text}' is not a system identifier`, {
      hint: 'it is the decimal number that pg_controldata prints as "Database system identifier"',
    });
  }
  return value as SystemIdentifier;
}
