import { OperationError } from '../../base/errors.ts';

const quote = 0x22;
const backslash = 0x5c;
const numberText = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * Reads JSON from bytes, value by value, without building what the caller does not want: a tree blob can exceed the
 * longest string of V8. The bytes must be valid UTF-8. Every violation throws `repository-damaged` with the offset.
 */
export class JsonScanner {
  readonly bytes: Buffer;
  readonly #what: string;
  at = 0;

  /** `what` names the document in errors, e.g. `tree 12ab34cd`. */
  constructor(bytes: Buffer, what: string) {
    this.bytes = bytes;
    this.#what = what;
  }

  fail(problem: string): never {
    throw new OperationError('repository-damaged', `${this.#what} is damaged: ${problem}`, {
      detail: { offset: this.at },
    });
  }

  /** The next byte that is not white space, or -1 at the end; stays in front of it. */
  peek(): number {
    for (; this.at < this.bytes.length; this.at++) {
      const byte = this.bytes[this.at] as number;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte;
    }
    return -1;
  }

  /** Passes one punctuation character if it is next. */
  take(character: string): boolean {
    if (this.peek() !== character.charCodeAt(0)) return false;
    this.at++;
    return true;
  }

  expect(character: string): void {
    if (!this.take(character)) this.fail(`expected ${character}`);
  }

  /** Passes `null` if it is next. */
  takeNull(): boolean {
    if (this.peek() !== 0x6e) return false;
    this.#literal();
    return true;
  }

  /** Calls `item` in front of each element of an array. */
  array(item: () => void): void {
    this.expect('[');
    if (this.take(']')) return;
    do item();
    while (this.take(','));
    this.expect(']');
  }

  /** Calls `member` with each key of an object, in front of the value. */
  object(member: (key: string) => void): void {
    this.expect('{');
    if (this.take('}')) return;
    do {
      const key = this.string();
      this.expect(':');
      member(key);
    } while (this.take(','));
    this.expect('}');
  }

  string(): string {
    this.expect('"');
    const begin = this.at;
    let ascii = 0;
    for (; this.at < this.bytes.length; this.at++) {
      const byte = this.bytes[this.at] as number;
      if (byte === quote) {
        const end = this.at++;
        return ascii < 0x80 ? this.bytes.toString('latin1', begin, end) : this.bytes.toString('utf8', begin, end);
      }
      if (byte === backslash) return this.#escapedString(begin);
      if (byte < 0x20) return this.fail('a control character in a string');
      ascii |= byte;
    }
    return this.fail('a string does not end');
  }

  /** An integer from 0 to `max`. */
  unsigned(max: bigint): bigint {
    const text = this.#word();
    if (!/^(?:0|[1-9]\d{0,19})$/.test(text)) return this.fail(`expected a whole number, found ${JSON.stringify(text)}`);
    const value = BigInt(text);
    return value <= max ? value : this.fail(`${text} is too large`);
  }

  /** Passes any value and returns its text, which may be kept. */
  raw(): Buffer {
    this.peek();
    const begin = this.at;
    this.#skip(0);
    return this.bytes.subarray(begin, this.at);
  }

  #skip(depth: number): void {
    if (depth > 64) this.fail('values are nested too deeply');
    const next = this.peek();
    if (next === quote) this.string();
    else if (next === 0x5b) this.array(() => this.#skip(depth + 1));
    else if (next === 0x7b) this.object(() => this.#skip(depth + 1));
    else this.#literal();
  }

  #literal(): void {
    const word = this.#word();
    if (word !== 'null' && word !== 'true' && word !== 'false' && !numberText.test(word)) {
      this.fail(`unexpected ${JSON.stringify(word)}`);
    }
  }

  /** Characters up to the next punctuation or white space. */
  #word(): string {
    this.peek();
    const begin = this.at;
    while (this.at < this.bytes.length && isWordByte(this.bytes[this.at] as number)) this.at++;
    return this.bytes.toString('latin1', begin, Math.min(this.at, begin + 64));
  }

  #escapedString(begin: number): string {
    for (; this.at < this.bytes.length; this.at++) {
      const byte = this.bytes[this.at];
      if (byte === backslash) this.at++;
      else if (byte === quote) break;
    }
    this.at++;
    try {
      return JSON.parse(this.bytes.toString('utf8', begin - 1, this.at)) as string;
    } catch {
      return this.fail('a string holds a wrong escape or does not end');
    }
  }
}

function isWordByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e ||
    byte === 0x45
  );
}
