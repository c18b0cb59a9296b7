import { hash } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Backend } from '../backend/backend.ts';
import { syncDirectory } from '../base/atomicFile.ts';
import type { Context } from '../base/context.ts';
import { OperationError, isOperationError } from '../base/errors.ts';
import type { SystemIdentifier } from '../postgres/systemIdentifier.ts';
import type { WalFileName } from '../postgres/walFileName.ts';
import type { WalSegmentName } from '../postgres/walSegment.ts';
import type { Repository } from '../repository/repository.ts';
import { ObjectSealer } from '../repository/sealedObject.ts';
import { walFileNameText, walObjectName } from './walObjectName.ts';
import { openWalFile, sealWalFile, type ArchivedWalFile, type WalObjectCodec } from './walObject.ts';

/**
 * What `put` did: stored the file; found the same file there, durable; or found that the archive already has more
 * (a partial segment of which a longer version, or the whole segment, is there).
 */
export type PutOutcome = 'stored' | 'identical' | 'superseded';

interface StoredPartial {
  readonly objectName: string;
  readonly objectBytes: number;
  readonly contentBytes: number;
  readonly contentSha256: Buffer;
}

export interface WalArchiveParts {
  readonly backend: Backend;
  readonly sealer: ObjectSealer;
  readonly systemIdentifier: SystemIdentifier;
}

/**
 * The WAL archive of one cluster in a repository (docs/design/wal-archive.md): WAL segments, timeline history files,
 * backup notes, and the unfinished last segment of a timeline. Files are written once and never replaced, except that a
 * longer version of an unfinished segment replaces a shorter one. One object per thread.
 *
 * Whether this cluster may use the archive is decided by `claimArchive` (walClusters.ts), once, before the first `put`.
 */
export class WalArchive {
  readonly backend: Backend;
  readonly systemIdentifier: SystemIdentifier;
  readonly codec: WalObjectCodec;
  /** The unfinished segment that we stored last: it need not be read again to see that a longer one continues it. */
  #lastPartial: StoredPartial | undefined;

  constructor(parts: WalArchiveParts) {
    this.backend = parts.backend;
    this.systemIdentifier = parts.systemIdentifier;
    this.codec = parts;
  }

  static of(repository: Repository, systemIdentifier: SystemIdentifier): WalArchive {
    const sealer = new ObjectSealer(repository.masterKey);
    return new WalArchive({ backend: repository.backend, sealer, systemIdentifier });
  }

  /**
   * Stores a file; resolves when it is durable. Of an unfinished segment `content` is what there is of it, from its
   * beginning, without padding (at least a page header).
   * Throws `wal-conflict` when the archive holds different content under this name, `wal-invalid`, `cluster-mismatch`,
   * and the errors of the backend.
   */
  async put(ctx: Context, file: WalFileName, content: Uint8Array): Promise<PutOutcome> {
    if (file.kind === 'partial') return this.#putPartial(ctx, file, content);
    const prepared = sealWalFile(this.codec, file, content);
    // asked first: to try needs room on storage, and there may be none left
    if (await this.has(ctx, file)) return this.confirmIdentical(ctx, file, content);
    try {
      await this.backend.put(ctx, prepared.objectName, prepared.sealed, { ifAbsent: true });
    } catch (error) {
      if (!isOperationError(error, 'object-exists')) throw error;
      return this.confirmIdentical(ctx, file, content);
    }
    if (file.kind === 'segment') await this.dropPartial(ctx, file.segment);
    return 'stored';
  }

  /**
   * Fetches a file and checks everything about it. Throws `object-missing` when it is not there, else as `openWalFile`.
   */
  async get(ctx: Context, file: WalFileName): Promise<ArchivedWalFile> {
    const sealed = await this.backend.get(ctx, walObjectName(this.systemIdentifier, file));
    return openWalFile(this.codec, file, { sealed });
  }

  /** Whether an object for the file is there; it is not opened. */
  async has(ctx: Context, file: WalFileName): Promise<boolean> {
    return (await this.backend.stat(ctx, walObjectName(this.systemIdentifier, file))) !== undefined;
  }

  /** After `object-exists`: `identical` once the stored file is known to be the same and durable, else `wal-conflict`. */
  async confirmIdentical(ctx: Context, file: WalFileName, content: Uint8Array): Promise<'identical'> {
    const stored = await this.get(ctx, file);
    if (!stored.content.equals(content)) throw this.#conflict(file);
    this.#syncName(file);
    return 'identical';
  }

  /**
   * To be called once a whole segment is stored: removes its unfinished version. One that stays behind is harmless, as
   * the whole one always wins: failures are only logged.
   */
  async dropPartial(ctx: Context, segment: WalSegmentName): Promise<void> {
    const partial = { kind: 'partial', segment } as const;
    try {
      if (await this.has(ctx, partial)) await this.backend.delete(ctx, walObjectName(this.systemIdentifier, partial));
    } catch (error) {
      if (!isOperationError(error)) throw error;
      ctx.log.warn({ segment, err: error }, 'cannot remove the unfinished version of a segment');
    }
  }

  async #putPartial(ctx: Context, file: WalFileName & { kind: 'partial' }, content: Uint8Array): Promise<PutOutcome> {
    const prepared = sealWalFile(this.codec, file, content);
    if (await this.has(ctx, { kind: 'segment', segment: file.segment })) return 'superseded';
    const outcome = await this.#comparePartial(ctx, file, content);
    if (outcome !== 'stored') return outcome;
    await this.backend.put(ctx, prepared.objectName, prepared.sealed);
    this.#lastPartial = {
      objectName: prepared.objectName,
      objectBytes: prepared.sealed.length,
      contentBytes: content.byteLength,
      contentSha256: sha256(content),
    };
    return 'stored';
  }

  /** `stored` = to be stored: it continues what is there, or nothing is. */
  async #comparePartial(
    ctx: Context,
    file: WalFileName & { kind: 'partial' },
    content: Uint8Array,
  ): Promise<PutOutcome> {
    if (await this.#continuesLast(ctx, file, content)) return 'stored';
    let stored: ArchivedWalFile;
    try {
      stored = await this.get(ctx, file);
    } catch (error) {
      if (isOperationError(error, 'object-missing')) return 'stored';
      throw error;
    }
    const common = Math.min(stored.content.length, content.byteLength);
    if (!stored.content.subarray(0, common).equals(content.subarray(0, common))) throw this.#conflict(file);
    if (stored.content.length === content.byteLength) {
      this.#syncName(file);
      return 'identical';
    }
    return stored.content.length > content.byteLength ? 'superseded' : 'stored';
  }

  /** True when what is stored is still what we stored last, and `content` is longer and begins with it. */
  async #continuesLast(ctx: Context, file: WalFileName, content: Uint8Array): Promise<boolean> {
    const last = this.#lastPartial;
    const objectName = walObjectName(this.systemIdentifier, file);
    if (last?.objectName !== objectName || last.contentBytes >= content.byteLength) return false;
    const stored = await this.backend.stat(ctx, objectName);
    if (stored?.sizeBytes !== last.objectBytes) return false;
    return sha256(content.subarray(0, last.contentBytes)).equals(last.contentSha256);
  }

  /** Another process may have made the name visible and died before it was durable. */
  #syncName(file: WalFileName): void {
    const { localDirectory } = this.backend;
    if (localDirectory === undefined) return;
    syncDirectory(join(localDirectory, dirname(walObjectName(this.systemIdentifier, file))));
  }

  #conflict(file: WalFileName): OperationError {
    const name = walFileNameText(file);
    return new OperationError('wal-conflict', `the archive holds different content under the name ${name}`, {
      hint:
        'do two servers that were copied from one another archive into this repository? ' +
        'let only one of them archive, or promote the copy so that it gets a timeline of its own',
      detail: { name, systemIdentifier: String(this.systemIdentifier) },
    });
  }
}

function sha256(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}
