import { parseSize, sizeForm } from './quantities.ts';

export const compressionLevels = ['off', 'fastest', 'auto', 'default', 'better', 'max'] as const;

export type Compression = (typeof compressionLevels)[number];

export const defaultCompression: Compression = 'auto';

/** As text, for the schema, and in bytes. */
export const defaultPackSizeText = '16MiB';
export const defaultPackSize = 16 * 2 ** 20;

const minimumPackSize = 4 * 2 ** 20;
const maximumPackSize = 128 * 2 ** 20;

/** Bytes of a pack size as text, or what is wrong with it. */
export function parsePackSize(text: string): { readonly bytes: number } | { readonly problem: string } {
  const bytes = parseSize(text);
  if (bytes === undefined) return { problem: `expected ${sizeForm}, found "${text}"` };
  if (bytes < minimumPackSize || bytes > maximumPackSize)
    return { problem: `expected 4MiB to 128MiB, found "${text}"` };
  return { bytes };
}
