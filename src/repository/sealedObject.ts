import { masterKeyFromBytes, masterKeyToBytes, type MasterKey } from './crypto/masterKey.ts';
import { Sealer, ivBytes, sealOverheadBytes } from './crypto/sealer.ts';
import type { Credentials } from './openConfig.ts';
import type { Repository } from './repository.ts';
import { ZstdCompressor, ZstdDecompressor, zstdBound } from './crypto/zstd.ts';

/**
 * Seals and opens objects that other folders define: some bytes in front, then optionally one zstd frame, sealed as a
 * whole like every object of the repository. Holds large buffers and zstd contexts: one per thread.
 */
export class ObjectSealer {
  readonly #sealer: Sealer;
  #compressor: ZstdCompressor | undefined;
  #decompressor: ZstdDecompressor | undefined;
  #buffer = Buffer.alloc(0);

  constructor(key: MasterKey) {
    this.#sealer = new Sealer(key);
  }

  /** The same from the bytes of `exportMasterKey`, for worker threads and helper processes. */
  static fromBytes(key: Uint8Array): ObjectSealer {
    return new ObjectSealer(masterKeyFromBytes(Buffer.from(key)));
  }

  /** Seals small bytes as they are, into new memory. */
  seal(plain: Uint8Array): Buffer {
    return this.#sealer.seal(plain);
  }

  /**
   * Seals `head` followed by one zstd frame (level 1, with the content's checksum) of `content`. The result is valid until
   * the next call.
   */
  sealCompressed(head: Uint8Array, content: Uint8Array): Buffer {
    this.#compressor ??= new ZstdCompressor('fastest', { checksum: true });
    // one byte more than the bound: a compressor that filled its target could not tell that it was done
    const needed = sealOverheadBytes + head.byteLength + zstdBound(content.byteLength) + 1;
    if (this.#buffer.length < needed) this.#buffer = Buffer.alloc(needed);
    this.#buffer.set(head, ivBytes);
    const frameBytes = this.#compressor.compressInto(content, this.#buffer, ivBytes + head.byteLength);
    return this.#buffer.subarray(0, this.#sealer.sealInPlace(this.#buffer, 0, head.byteLength + frameBytes));
  }

  /** Opens a sealed object into new memory; throws `repository-damaged` when it is not authentic. */
  open(sealed: Buffer): Buffer {
    return this.#sealer.open(sealed);
  }

  /** Decompresses one whole frame to exactly `target.length` bytes, comparing its checksum; throws `repository-damaged`. */
  decompress(frame: Uint8Array, target: Buffer): void {
    this.#decompressor ??= new ZstdDecompressor();
    this.#decompressor.decompressInto(frame, target, 0, target.length);
  }
}

/** The 64 bytes of an open repository's master key. They open everything: only into memory of our own processes. */
export function exportMasterKey(repository: { readonly masterKey: MasterKey }): Buffer {
  return masterKeyToBytes(repository.masterKey);
}

/**
 * What opens a repository in a helper process of ours: JSON values. Holds the key: never on a command line, in a file,
 * in a log.
 */
export interface ExportedCredentials {
  readonly repositoryId: string;
  readonly keyId: string;
  /** Base64. */
  readonly masterKey: string;
}

export function exportCredentials(repository: Pick<Repository, 'config' | 'keyId' | 'masterKey'>): ExportedCredentials {
  const { config, keyId } = repository;
  return { repositoryId: config.id, keyId, masterKey: exportMasterKey(repository).toString('base64') };
}

/** For `Repository.open`. */
export function importCredentials({ masterKey, ...ids }: ExportedCredentials): Credentials {
  return { ...ids, masterKey: masterKeyFromBytes(Buffer.from(masterKey, 'base64')) };
}
