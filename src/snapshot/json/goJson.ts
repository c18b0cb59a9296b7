import { isUtf8 } from 'node:buffer';
import { decodeRune, invalidRune, runeWidth } from './runes.ts';

/** A JSON value as the documents of a repository use it; integers that a double cannot hold are bigint. */
export type JsonValue = null | boolean | number | bigint | string | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

// eslint-disable-next-line no-control-regex
const escaped = /["\\<>&\u2028\u2029\x00-\x1f]/g;

/**
 * A string as Go's encoding/json writes it, with quotes: HTML characters, U+2028 and U+2029 escaped. The form is that
 * of Go before 1.22, which is what the restic of the compatibility tests was built with: later releases shorten
 * `\u0008` and `\u000c` to `\b` and `\f`. Names never hold those two (`goQuote` has removed them), so tree ids differ
 * only for such characters in link targets and user names.
 */
export function goJsonString(text: string): string {
  return `"${escapeText(text.toWellFormed())}"`;
}

/** The same for raw bytes; each byte that is not part of valid UTF-8 becomes the six characters `\ufffd`. */
export function goJsonBytes(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return goJsonString(utf8Text(bytes, 0, bytes.length));
  let out = '';
  let begin = 0;
  for (let at = 0; at < bytes.length;) {
    const rune = decodeRune(bytes, at);
    if (rune === invalidRune) {
      out += `${escapeText(utf8Text(bytes, begin, at))}\\ufffd`;
      begin = at + 1;
    }
    at += runeWidth(rune);
  }
  return `"${out}${escapeText(utf8Text(bytes, begin, bytes.length))}"`;
}

/** Compact JSON text of a value in Go's escapes. Members that are undefined are left out; order is kept. */
export function goJson(value: JsonValue): string {
  if (typeof value === 'string') return goJsonString(value);
  if (value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map((item: JsonValue) => goJson(item)).join(',')}]`;
  const members: string[] = [];
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) members.push(`${goJsonString(key)}:${goJson(member)}`);
  }
  return `{${members.join(',')}}`;
}

/**
 * Parses JSON text; integers beyond 2^53 come as bigint, so that writing them again loses nothing. Throws SyntaxError.
 */
export function parseJson(text: string): JsonValue {
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) => {
    const source = context?.source;
    if (typeof value !== 'number' || source === undefined || Number.isSafeInteger(value)) return value;
    return /^-?\d+$/.test(source) ? BigInt(source) : value;
  }) as JsonValue;
}

function escapeText(text: string): string {
  return text.replace(escaped, escapeCharacter);
}

function escapeCharacter(character: string): string {
  switch (character) {
    case '"':
      return '\\"';
    case '\\':
      return '\\\\';
    case '\n':
      return '\\n';
    case '\r':
      return '\\r';
    case '\t':
      return '\\t';
    default:
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  }
}

function utf8Text(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}
