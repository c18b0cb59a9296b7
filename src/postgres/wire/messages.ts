import { OperationError } from '../../base/errors.ts';

/** Type bytes of the server's messages that a replication client meets. */
export const serverMessage = {
  notification: 0x41, // A
  commandComplete: 0x43, // C
  dataRow: 0x44, // D
  error: 0x45, // E
  copyOut: 0x48, // H
  notice: 0x4e, // N
  parameterStatus: 0x53, // S
  rowDescription: 0x54, // T
  copyBoth: 0x57, // W
  readyForQuery: 0x5a, // Z
  copyDone: 0x63, // c
} as const;

/** The fields of an ErrorResponse or NoticeResponse that we use. `severity` is the untranslated one. */
export interface ServerNotice {
  readonly severity: string;
  readonly sqlstate: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  /** Name of the C function that reported it: the same in every language, unlike the message. */
  readonly routine?: string;
}

export function decodeNotice(body: Buffer): ServerNotice {
  const fields = new Map<string, string>();
  let at = 0;
  while (at < body.length && body[at] !== 0) {
    const end = body.indexOf(0, at);
    if (end === -1) break;
    fields.set(String.fromCharCode(body[at] ?? 0), body.toString('utf8', at + 1, end));
    at = end + 1;
  }
  const [detail, hint, routine] = ['D', 'H', 'R'].map((key) => fields.get(key));
  return {
    severity: fields.get('V') ?? fields.get('S') ?? 'ERROR',
    sqlstate: fields.get('C') ?? 'XX000',
    message: fields.get('M') ?? '',
    ...(detail === undefined ? {} : { detail }),
    ...(hint === undefined ? {} : { hint }),
    ...(routine === undefined ? {} : { routine }),
  };
}

/** The values of one row as raw bytes; null is SQL's NULL. */
export type RawRow = readonly (Buffer | null)[];

export function decodeRow(body: Buffer): RawRow {
  const reader = new BodyReader(body);
  return Array.from({ length: reader.int16() }, () => {
    const length = reader.int32();
    return length === -1 ? null : reader.bytes(length);
  });
}

/** Name and value of a ParameterStatus. */
export function decodeParameterStatus(body: Buffer): readonly [string, string] {
  const reader = new BodyReader(body);
  return [reader.text(), reader.text()];
}

/** `Q`: the simple query protocol, the only one that replication commands understand. */
export function encodeQuery(text: string): Buffer {
  return encodeMessage(0x51, Buffer.from(`${text}\0`, 'utf8'));
}

export function encodeCopyData(payload: Buffer): Buffer {
  return encodeMessage(0x64, payload);
}

export const copyDoneMessage = encodeMessage(0x63, Buffer.alloc(0));
export const terminateMessage = encodeMessage(0x58, Buffer.alloc(0));

function encodeMessage(type: number, body: Buffer): Buffer {
  const message = Buffer.allocUnsafe(5 + body.length);
  message[0] = type;
  message.writeInt32BE(4 + body.length, 1);
  body.copy(message, 5);
  return message;
}

/** Reads the fields of a message's body; running past its end is `postgres-protocol`. */
class BodyReader {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  int16(): number {
    return this.bytes(2).readInt16BE();
  }

  int32(): number {
    return this.bytes(4).readInt32BE();
  }

  text(): string {
    const end = this.#body.indexOf(0, this.#at);
    const text = this.bytes(end - this.#at).toString('utf8');
    this.#at++;
    return text;
  }

  bytes(length: number): Buffer {
    const end = this.#at + length;
    if (length < 0 || end > this.#body.length) throw unexpectedAnswer('a message shorter than its fields');
    const bytes = this.#body.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}

/** The server broke the protocol, or is not PostgreSQL. */
export function unexpectedAnswer(what: string): OperationError {
  return new OperationError('postgres-protocol', `the PostgreSQL server sent ${what}`, {
    hint: 'is this a PostgreSQL server, and not a pooler or a proxy that does not support replication connections?',
  });
}
