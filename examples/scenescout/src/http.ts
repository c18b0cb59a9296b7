import type { IncomingMessage } from 'node:http';

/** Answered as it says; anything else that is thrown is our fault and becomes 500. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Reply {
  readonly status?: number;
  readonly body: unknown;
  /** Default JSON. */
  readonly contentType?: string;
}

const largestBodyBytes = 10 * 2 ** 20;

export async function readText(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    sizeBytes += piece.length;
    if (sizeBytes > largestBodyBytes) throw new HttpError(413, 'the body is larger than 10 MiB');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const value = parseJson(await readText(request));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HttpError(400, 'the body is not a JSON object');
  }
  return value as Record<string, unknown>;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, 'the body is not JSON');
  }
}

/** A text of a body; 400 when it is missing or empty. */
export function textOf(body: Readonly<Record<string, unknown>>, name: string): string {
  const value = body[name];
  if (typeof value !== 'string' || value.trim() === '') throw new HttpError(400, `${name} is missing`);
  return value.trim();
}

/** A whole number of a query within limits, or the default. */
export function numberOf(text: string | null, range: { min: number; max: number; otherwise: number }): number {
  if (text === null) return range.otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < range.min || value > range.max) {
    throw new HttpError(400, `"${text}" is not a number from ${range.min} to ${range.max}`);
  }
  return value;
}
