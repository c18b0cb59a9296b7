import { accessSync, closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createHash, hash } from 'node:crypto';
import { join } from 'node:path';
import type { Context } from '../../base/context.ts';
import { OperationError, isOperationError, systemErrorCode } from '../../base/errors.ts';
import type { Backend } from '../../backend/backend.ts';
import { translateFileError } from '../../backend/fileErrors.ts';
import { headerLength, headerLengthBytes } from '../pack/packHeader.ts';
import { packObjectName } from '../pack/packSink.ts';

/** Bytes of a pack from `from` to before `to`, to be read in one go. */
export interface Segment {
  readonly from: number;
  readonly to: number;
}

/** What a pack says about itself at its end. */
export interface PackEnd {
  readonly sizeBytes: number;
  readonly sealedHeader: Buffer;
  /** SHA-256 of the whole object in hex, when it was asked for. */
  readonly digest: string | undefined;
}

/**
 * Reads packs, one at a time. Throws `repository-damaged` when the pack or a part of it cannot be had (missing, too
 * short, unreadable), other errors when the storage as a whole does not work. Buffers are valid until the next call.
 */
export interface PackReader {
  /** The following reads are from this pack, within these segments, in order. */
  open(packId: string, segments: readonly Segment[]): void;
  read(offset: number, length: number): Buffer | Promise<Buffer>;
  readEnd(withDigest: boolean): PackEnd | Promise<PackEnd>;
  close(): void;
}

/** Bytes of one read call: what stays in the core's second-level cache until it is decrypted. */
const pieceBytes = 256 * 1024;

/** Reads packs of a local repository, in pieces, into one reused buffer. */
export class LocalPackReader implements PackReader {
  readonly #directory: string;
  #buffer = Buffer.allocUnsafeSlow(2 * pieceBytes);
  #packId = '';
  #fd = -1;
  #segments: readonly Segment[] = [];
  #segment = 0;
  #from = 0;
  #to = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  open(packId: string, segments: readonly Segment[]): void {
    this.#segments = segments;
    this.#segment = 0;
    if (packId === this.#packId) return;
    this.close();
    try {
      this.#fd = openSync(join(this.#directory, packObjectName(packId)), 'r');
    } catch (error) {
      throw this.#failure(error, packId);
    }
    this.#packId = packId;
  }

  read(offset: number, length: number): Buffer {
    const end = offset + length;
    if (offset < this.#from || end > this.#from + this.#buffer.length) this.#moveTo(offset, length);
    while (this.#segment < this.#segments.length && this.#segments[this.#segment]!.to < end) this.#segment++;
    const limit = this.#segments[this.#segment]?.to ?? end;
    while (this.#to < end) {
      const room = this.#buffer.length - (this.#to - this.#from);
      this.#readPiece(Math.min(pieceBytes, limit - this.#to, room));
    }
    return this.#buffer.subarray(offset - this.#from, end - this.#from);
  }

  readEnd(withDigest: boolean): PackEnd {
    const sizeBytes = this.#size();
    const tail = Buffer.from(this.#readAt(Math.max(0, sizeBytes - headerLengthBytes), sizeBytes));
    const length = headerLength(tail, sizeBytes);
    const headerAt = sizeBytes - headerLengthBytes - length;
    const sealedHeader = Buffer.from(this.#readAt(headerAt, headerAt + length));
    return { sizeBytes, sealedHeader, digest: withDigest ? this.#digest(sizeBytes) : undefined };
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
    this.#packId = '';
    this.#from = this.#to = 0;
  }

  #size(): number {
    try {
      return fstatSync(this.#fd).size;
    } catch (error) {
      throw this.#failure(error, this.#packId);
    }
  }

  #readAt(from: number, to: number): Buffer {
    this.#segments = [];
    return this.read(from, to - from);
  }

  #digest(sizeBytes: number): string {
    const digest = createHash('sha256');
    for (let at = 0; at < sizeBytes; at += pieceBytes) {
      digest.update(this.#readAt(at, Math.min(at + pieceBytes, sizeBytes)));
    }
    return digest.digest('hex');
  }

  /** Makes room for the bytes from `offset` on, keeping those that were read already. */
  #moveTo(offset: number, length: number): void {
    const kept = offset >= this.#from && offset < this.#to ? this.#to - offset : 0;
    const old = this.#buffer;
    if (length > old.length) this.#buffer = Buffer.allocUnsafeSlow(Math.ceil(length / pieceBytes + 1) * pieceBytes);
    if (kept > 0) old.copy(this.#buffer, 0, offset - this.#from, this.#to - this.#from);
    this.#from = offset;
    this.#to = offset + kept;
  }

  #readPiece(length: number): void {
    let count: number;
    try {
      count = readSync(this.#fd, this.#buffer, this.#to - this.#from, length, this.#to);
    } catch (error) {
      throw this.#failure(error, this.#packId);
    }
    if (count === 0) throw tooShort();
    this.#to += count;
  }

  #failure(error: unknown, packId: string): unknown {
    if (systemErrorCode(error) === 'EIO') return packProblem('it cannot be read: EIO', error);
    if (systemErrorCode(error) !== 'ENOENT') return translateFileError(error, `read ${packObjectName(packId)}`);
    try {
      accessSync(join(this.#directory, 'config'));
    } catch (cause) {
      return translateFileError(cause, `read the repository in ${this.#directory}`);
    }
    return packMissing(error);
  }
}

/** Reads packs through a backend: whole segments at once. */
export class BackendPackReader implements PackReader {
  readonly #ctx: Context;
  readonly #backend: Backend;
  #packId = '';
  #segments: readonly Segment[] = [];
  #held: { readonly from: number; readonly bytes: Buffer } | undefined;

  constructor(ctx: Context, backend: Backend) {
    this.#ctx = ctx;
    this.#backend = backend;
  }

  open(packId: string, segments: readonly Segment[]): void {
    if (packId !== this.#packId) this.close();
    this.#packId = packId;
    this.#segments = segments;
  }

  read(offset: number, length: number): Buffer | Promise<Buffer> {
    return this.#cut(offset, length) ?? this.#fetch(offset, length);
  }

  async readEnd(): Promise<PackEnd> {
    const bytes = await this.#get();
    this.#held = { from: 0, bytes };
    const length = headerLength(bytes.subarray(-headerLengthBytes), bytes.length);
    const end = bytes.length - headerLengthBytes;
    return { sizeBytes: bytes.length, sealedHeader: bytes.subarray(end - length, end), digest: hash('sha256', bytes) };
  }

  close(): void {
    this.#packId = '';
    this.#held = undefined;
  }

  #cut(offset: number, length: number): Buffer | undefined {
    if (this.#held === undefined) return undefined;
    const from = offset - this.#held.from;
    if (from < 0 || from + length > this.#held.bytes.length) return undefined;
    return this.#held.bytes.subarray(from, from + length);
  }

  /** Fetches the segment around a blob; when the object ends within it, at least the blob. */
  async #fetch(offset: number, length: number): Promise<Buffer> {
    const segment = this.#segments.find(({ from, to }) => from <= offset && offset + length <= to);
    if (segment !== undefined) {
      try {
        this.#held = { from: segment.from, bytes: await this.#get(segment) };
      } catch (error) {
        if (!isPackProblem(error) || segment.to === offset + length) throw error;
      }
    }
    return this.#cut(offset, length) ?? this.#get({ from: offset, to: offset + length });
  }

  async #get(segment?: Segment): Promise<Buffer> {
    const range = segment === undefined ? undefined : { offset: segment.from, length: segment.to - segment.from };
    try {
      return await this.#backend.get(this.#ctx, packObjectName(this.#packId), range);
    } catch (error) {
      if (isOperationError(error, 'object-missing')) throw packMissing(error);
      if (isOperationError(error, 'repository-damaged')) throw tooShort(error);
      throw error;
    }
  }
}

/** True for a problem of a pack as a whole: none of its blobs can be had. */
export function isWholePackProblem(error: unknown): error is OperationError {
  return isPackProblem(error) && error.detail['wholePack'] === true;
}

/** True for an error that concerns one pack only. */
export function isPackProblem(error: unknown): error is OperationError {
  return isOperationError(error, 'repository-damaged');
}

function packProblem(problem: string, cause?: unknown): OperationError {
  return new OperationError('repository-damaged', problem, { cause });
}

function packMissing(cause: unknown): OperationError {
  return new OperationError('repository-damaged', 'it is missing', { cause, detail: { wholePack: true } });
}

function tooShort(cause?: unknown): OperationError {
  return packProblem('it ends before the bytes that the index promises', cause);
}
