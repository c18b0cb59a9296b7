import { OperationError, assert } from '../base/errors.ts';

declare const lsnBrand: unique symbol;

/** A position in the write-ahead log: an unsigned 64-bit byte offset. Text (`16/B374D848`) only at the borders. */
export type Lsn = bigint & { readonly [lsnBrand]: true };

const maxLsn = 0xffff_ffff_ffff_ffffn;
const lsnPattern = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;

/** PostgreSQL's InvalidXLogRecPtr: "no position". No WAL record ever begins at 0/0. */
export const invalidLsn = 0n as Lsn;

/** An LSN from a 64-bit value, e.g. one read from a file. Out of range is our own bug. */
export function toLsn(value: bigint): Lsn {
  assert(value >= 0n && value <= maxLsn, 'an LSN is an unsigned 64-bit value');
  return value as Lsn;
}

/** Reads `X/X`, as pg_lsn prints and accepts it. Throws `usage` for anything else. */
export function parseLsn(text: string): Lsn {
  const lsn = tryParseLsn(text);
  if (lsn === undefined) {
    throw new OperationError('usage', `'${text}' is not a WAL position`, {
      hint: 'write it as PostgreSQL prints it: two hexadecimal numbers with a slash between, e.g. 16/B374D848',
    });
  }
  return lsn;
}

/** Reads `X/X`, or undefined when the text has another shape. For parsers that have an error of their own. */
export function tryParseLsn(text: string): Lsn | undefined {
  const match = lsnPattern.exec(text);
  if (match === null) return undefined;
  return ((BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`)) as Lsn;
}

/** `X/X` as PostgreSQL 13 to 18 print it: upper-case hexadecimal without leading zeros. */
export function formatLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffff_ffffn).toString(16)}`.toUpperCase();
}

/** The position `bytes` further on (or back, when negative). Leaving the 64-bit range is our own bug. */
export function addToLsn(lsn: Lsn, bytes: bigint): Lsn {
  return toLsn(lsn + bytes);
}
