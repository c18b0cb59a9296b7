import { parseSize } from '../base/bytes.ts';
import { OperationError } from '../base/errors.ts';

/** How much unused space a prune may leave: beyond it packs are written anew. */
export type UnusedLimit =
  | { readonly kind: 'unlimited' }
  | { readonly kind: 'bytes'; readonly bytes: number }
  /** Of the whole repository after the prune; below 100. */
  | { readonly kind: 'percent'; readonly percent: number };

/** Reads `unlimited`, `5%` or `10G`, as restic does. Throws `usage`. */
export function parseUnusedLimit(text: string): UnusedLimit {
  if (text === 'unlimited') return { kind: 'unlimited' };
  const [, share] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  if (share !== undefined && Number(share) < 100) return { kind: 'percent', percent: Number(share) };
  const bytes = share === undefined ? parseSize(text) : undefined;
  if (bytes !== undefined) return { kind: 'bytes', bytes };
  throw new OperationError('usage', `${JSON.stringify(text)} is no limit of unused space`, {
    hint: 'a share below 100% such as 5%, a size such as 10G, or unlimited',
  });
}

/** Bytes that may stay unused beside `usedBytes`. */
export function unusedBytesAllowed(limit: UnusedLimit, usedBytes: number): number {
  switch (limit.kind) {
    case 'unlimited':
      return Number.POSITIVE_INFINITY;
    case 'bytes':
      return limit.bytes;
    case 'percent':
      return (usedBytes * limit.percent) / (100 - limit.percent);
  }
}
