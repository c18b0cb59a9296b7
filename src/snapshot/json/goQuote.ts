import { decodeRune, invalidRune, runeWidth } from './runes.ts';

const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

const shortEscapes = new Map([
  [0x07, '\\a'],
  [0x08, '\\b'],
  [0x0c, '\\f'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
  [0x09, '\\t'],
  [0x0b, '\\v'],
  [0x22, '\\"'],
  [0x5c, '\\\\'],
]);
const shortUnescapes = new Map([...shortEscapes].map(([byte, escape]) => [escape.slice(1), byte]));

/**
 * Go's strconv.Quote without the outer quotes: how a tree stores a file name, whatever its bytes. Which characters
 * count as printable follows the Unicode tables of the running Node, as it follows those of the Go release in restic:
 * for a character that only one of them knows, the two write different trees (both read either).
 */
export function goQuote(bytes: Uint8Array): string {
  const latin1 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  if (plain.test(latin1)) return latin1;
  let out = '';
  for (let at = 0; at < bytes.length;) {
    const rune = decodeRune(bytes, at);
    out += rune === invalidRune ? hexEscape(bytes[at] ?? 0) : quoteRune(rune);
    at += runeWidth(rune);
  }
  return out;
}

/** The bytes that `goQuote` wrote as `text`, or undefined when the text is not a Go string literal's inside. */
export function goUnquote(text: string): Buffer | undefined {
  if (!text.includes('\\')) return /["\n]/.test(text) ? undefined : Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  const pattern =
    /[^\\"\n]+|\\([abfnrtv"\\])|\\x([0-9a-fA-F]{2})|\\([0-3][0-7]{2})|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/y;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    const part = match === null ? undefined : unquotePart(match);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function quoteRune(rune: number): string {
  const short = shortEscapes.get(rune);
  if (short !== undefined) return short;
  const character = String.fromCodePoint(rune);
  if (printable.test(character)) return character;
  if (rune < 0x20 || rune === 0x7f) return hexEscape(rune);
  const hex = rune.toString(16);
  return rune < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

function hexEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

function unquotePart(match: RegExpExecArray): Buffer | undefined {
  const [whole, short, hex, octal, short16, long32] = match;
  if (short !== undefined) return Buffer.of(shortUnescapes.get(short) ?? 0);
  if (hex !== undefined) return Buffer.of(Number.parseInt(hex, 16));
  if (octal !== undefined) return Buffer.of(Number.parseInt(octal, 8));
  const digits = short16 ?? long32;
  if (digits === undefined) return Buffer.from(whole, 'utf8');
  const rune = Number.parseInt(digits, 16);
  if (rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff)) return undefined;
  return Buffer.from(String.fromCodePoint(rune), 'utf8');
}
