import { hash } from 'node:crypto';
import type { Context } from '../../base/context.ts';
import { OperationError, isOperationError } from '../../base/errors.ts';
import { toHex } from '../../base/hex.ts';
import type { Progress } from '../../base/progress.ts';
import { idWords, plainLength } from '../blobTable.ts';
import type { BlobType } from '../blob.ts';
import { ZstdCompressor, ZstdDecompressor } from '../crypto/zstd.ts';
import type { IndexedPack } from '../index/indexDocument.ts';
import { IndexWriter } from '../index/indexWriter.ts';
import { RepositoryIndex } from '../index/repositoryIndex.ts';
import type { PackBlob } from '../pack/packHeader.ts';
import { BackendPackSink, LocalPackSink, packObjectName } from '../pack/packSink.ts';
import { PackWriter } from '../pack/packWriter.ts';
import type { Repository } from '../repository.ts';
import { defaultPackBytes, maxTreePackBytes } from './choosePacks.ts';

/** Holes up to this size are read along rather than read around. */
const maxHoleBytes = 64 * 1024;
const maxSegmentBytes = 16 * 1024 * 1024;

export interface RepackTarget {
  /** Most blobs that will be copied. */
  readonly blobs: number;
  readonly packSizeBytes?: number;
  readonly progress: Progress;
}

/**
 * Copies blobs into new packs with an index of their own. Each one is opened, decompressed and hashed on the way, and
 * stored as it was sealed; only trees that were not compressed are sealed anew.
 */
export class Repacker {
  readonly #ctx: Context;
  readonly #repository: Repository;
  readonly #progress: Progress;
  readonly #index: RepositoryIndex;
  readonly #indexWriter: IndexWriter;
  readonly #writers: Record<BlobType, PackWriter>;
  readonly #decompressor = new ZstdDecompressor();
  #packCount = 0;
  #plain = Buffer.alloc(0);

  constructor(ctx: Context, repository: Repository, target: RepackTarget) {
    this.#ctx = ctx;
    this.#repository = repository;
    this.#progress = target.progress;
    this.#index = new RepositoryIndex({ data: target.blobs, tree: target.blobs });
    this.#indexWriter = new IndexWriter(repository, this.#index);
    const bytes = target.packSizeBytes ?? defaultPackBytes;
    this.#writers = {
      data: this.#openWriter('data', bytes),
      tree: this.#openWriter('tree', Math.min(bytes, maxTreePackBytes)),
    };
  }

  /** Copies some blobs of a pack. Throws `repository-damaged` when one of them is not what it should be. */
  async copy({ id, blobs }: IndexedPack): Promise<void> {
    const object = packObjectName(id);
    for (const segment of cutSegments(blobs)) {
      this.#ctx.signal.throwIfAborted();
      const bytes = await this.#read(object, segment);
      for (const blob of segment.blobs) {
        const at = blob.offset - segment.offset;
        await this.#copyBlob(object, blob, bytes.subarray(at, at + blob.length));
        this.#progress.advance({ bytes: blob.length, items: 1 });
      }
    }
  }

  /** Makes the new packs and then their index durable. */
  async finish(): Promise<void> {
    await this.#writers.data.flush();
    await this.#writers.tree.flush();
    await this.#indexWriter.flush(this.#ctx);
  }

  async #read(object: string, range: { readonly offset: number; readonly length: number }): Promise<Buffer> {
    try {
      return await this.#repository.backend.get(this.#ctx, object, range);
    } catch (error) {
      if (!isOperationError(error, 'object-missing', 'repository-damaged')) throw error;
      throw damaged(object, 'it cannot be read', error);
    }
  }

  async #copyBlob(object: string, blob: PackBlob, sealed: Buffer): Promise<void> {
    const plain = this.#verify(object, blob, sealed);
    const entry = this.#index.table(blob.type).claim(idWords(blob.id));
    if (entry < 0) return;
    const writer = this.#writers[blob.type];
    if (blob.type === 'tree' && blob.rawLength === 0) await writer.add(entry, plain);
    else await writer.addSealed(entry, sealed, blob.rawLength);
  }

  #verify(object: string, blob: PackBlob, sealed: Buffer): Buffer {
    const { sealer } = this.#repository;
    if (!sealer.isAuthentic(sealed)) throw damaged(object, `blob ${toHex(blob.id)} is not authentic`);
    let plain = sealer.open(sealed);
    if (blob.rawLength !== 0) {
      const length = plainLength({ ...blob, pack: 0 });
      if (this.#plain.length < length) this.#plain = Buffer.allocUnsafeSlow(length);
      const target = this.#plain.subarray(0, length);
      this.#decompress(object, { blob, frame: plain, target });
      plain = target;
    }
    if (!hash('sha256', plain, 'buffer').equals(blob.id)) {
      throw damaged(object, `blob ${toHex(blob.id)} has another content than its id says`);
    }
    return plain;
  }

  #decompress(object: string, from: { blob: PackBlob; frame: Buffer; target: Buffer }): void {
    try {
      this.#decompressor.decompressInto(from.frame, from.target, 0, from.target.length);
    } catch (error) {
      if (!isOperationError(error)) throw error;
      throw damaged(object, `blob ${toHex(from.blob.id)} does not decompress`, error);
    }
  }

  #openWriter(type: BlobType, targetBytes: number): PackWriter {
    const { backend, sealer } = this.#repository;
    const directory = backend.localDirectory;
    return new PackWriter(
      {
        type,
        sealer,
        compressor: new ZstdCompressor('default'),
        table: this.#index.table(type),
        targetBytes,
        readBack: 'all',
        nextPackNumber: () => this.#packCount++,
      },
      directory === undefined ? new BackendPackSink(this.#ctx, backend) : new LocalPackSink(directory),
      (pack) => this.#indexWriter.add(this.#ctx, pack),
    );
  }
}

interface Segment {
  readonly offset: number;
  length: number;
  readonly blobs: PackBlob[];
}

function cutSegments(blobs: readonly PackBlob[]): Segment[] {
  const segments: Segment[] = [];
  for (const blob of blobs.toSorted((a, b) => a.offset - b.offset)) {
    const last = segments.at(-1);
    const end = blob.offset + blob.length;
    const near = last !== undefined && blob.offset - (last.offset + last.length) <= maxHoleBytes;
    if (near && end - last.offset <= maxSegmentBytes) {
      last.length = end - last.offset;
      last.blobs.push(blob);
    } else segments.push({ offset: blob.offset, length: blob.length, blobs: [blob] });
  }
  return segments;
}

function damaged(object: string, problem: string, cause?: unknown): OperationError {
  return new OperationError('repository-damaged', `${object} is damaged: ${problem}`, {
    hint: 'nothing that is needed was deleted; `understudy check --read-data` tells what is damaged',
    detail: { object },
    cause,
  });
}
