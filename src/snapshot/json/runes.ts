/** What `decodeRune` returns for a byte that does not begin a valid UTF-8 sequence; such a byte stands alone. */
export const invalidRune = -1;

/**
 * The code point that begins at `at`, or `invalidRune`. As Go sees UTF-8: overlong forms, surrogates, values above
 * U+10FFFF and truncated sequences are invalid, and an invalid sequence costs one byte, not its longest prefix.
 */
export function decodeRune(bytes: Uint8Array, at: number): number {
  const first = byteAt(bytes, at);
  if (first < 0x80) return first;
  if (first < 0xc2 || first > 0xf4) return invalidRune;
  const second = byteAt(bytes, at + 1);
  if (first < 0xe0) return isContinuation(second) ? ((first & 0x1f) << 6) | (second & 0x3f) : invalidRune;
  if (second < lowestSecond(first) || second > highestSecond(first)) return invalidRune;
  const third = byteAt(bytes, at + 2);
  if (!isContinuation(third)) return invalidRune;
  if (first < 0xf0) return ((first & 0x0f) << 12) | ((second & 0x3f) << 6) | (third & 0x3f);
  const fourth = byteAt(bytes, at + 3);
  if (!isContinuation(fourth)) return invalidRune;
  return ((first & 0x07) << 18) | ((second & 0x3f) << 12) | ((third & 0x3f) << 6) | (fourth & 0x3f);
}

/** Bytes that a rune takes in UTF-8; 1 for `invalidRune`. */
export function runeWidth(rune: number): number {
  if (rune < 0x80) return 1;
  if (rune < 0x800) return 2;
  return rune < 0x10000 ? 3 : 4;
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

function lowestSecond(first: number): number {
  if (first === 0xe0) return 0xa0;
  return first === 0xf0 ? 0x90 : 0x80;
}

function highestSecond(first: number): number {
  if (first === 0xed) return 0x9f;
  return first === 0xf4 ? 0x8f : 0xbf;
}
