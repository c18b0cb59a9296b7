import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  randomFillSync,
  type Cipheriv,
  type Decipheriv,
  type KeyObject,
} from 'node:crypto';
import sodium from 'sodium-native';
import { OperationError, assert } from '../../base/errors.ts';
import type { MasterKey } from './masterKey.ts';

/** A sealed object is IV (16) || AES-256-CTR ciphertext || Poly1305-AES tag (16). */
export const ivBytes = 16;
export const tagBytes = 16;
export const sealOverheadBytes = ivBytes + tagBytes;

const randomPoolBytes = 64 * 1024;

/** The cipher makes a new buffer for each piece: large ones would pile up until the next garbage collection. */
const cipherPieceBytes = 256 * 1024;

/**
 * Seals and opens bytes with a master key (restic design, "Keys, Encryption and MAC"). Synchronous and stateful only in
 * its scratch buffers: one per thread.
 */
export class Sealer {
  /** A key object: handing in the bytes costs 10 us more for every blob. */
  readonly #encrypt: KeyObject;
  readonly #ecb: Cipheriv;
  readonly #oneTimeKey = Buffer.alloc(32);
  readonly #tag = Buffer.alloc(tagBytes);
  readonly #random = Buffer.alloc(randomPoolBytes);
  #randomUsed = randomPoolBytes;

  constructor(key: MasterKey) {
    this.#encrypt = createSecretKey(key.encrypt);
    this.#ecb = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false);
    key.macR.copy(this.#oneTimeKey, 0);
  }

  /**
   * Seals in place: the plaintext lies at `target[at + 16]`, `length` bytes; afterwards `target[at]` begins the sealed
   * object. The 16 bytes after the plaintext are overwritten. Returns the sealed length.
   */
  sealInPlace(target: Buffer, at: number, length: number): number {
    const iv = target.subarray(at, at + ivBytes);
    this.#takeRandom(iv);
    const text = target.subarray(at + ivBytes, at + ivBytes + length);
    const cipher = createCipheriv('aes-256-ctr', this.#encrypt, iv);
    for (let from = 0; from < length; from += cipherPieceBytes) {
      const piece = text.subarray(from, from + cipherPieceBytes);
      cipher.update(piece).copy(piece);
    }
    this.#authenticate(iv, text);
    this.#tag.copy(target, at + ivBytes + length);
    return length + sealOverheadBytes;
  }

  /** Seals into a new buffer. */
  seal(plaintext: Uint8Array): Buffer {
    const sealed = Buffer.allocUnsafe(plaintext.byteLength + sealOverheadBytes);
    sealed.set(plaintext, ivBytes);
    this.sealInPlace(sealed, 0, plaintext.byteLength);
    return sealed;
  }

  /** True when the tag fits; nothing is decrypted. */
  isAuthentic(sealed: Buffer): boolean {
    if (sealed.length < sealOverheadBytes) return false;
    const iv = sealed.subarray(0, ivBytes);
    if (iv.every((byte) => byte === 0)) return false;
    const text = sealed.subarray(ivBytes, sealed.length - tagBytes);
    this.#authenticate(iv, text);
    return sodium.sodium_memcmp(this.#tag, sealed.subarray(sealed.length - tagBytes));
  }

  /** Opens a sealed object into new memory; throws `repository-damaged` when it is not authentic. */
  open(sealed: Buffer): Buffer {
    return this.#decipher(sealed).update(sealed.subarray(ivBytes, sealed.length - tagBytes));
  }

  /** The same, piece by piece, for who needs them one after the other only. Nothing comes of what is not authentic. */
  *openPieces(sealed: Buffer): Generator<Buffer> {
    const decipher = this.#decipher(sealed);
    const text = sealed.subarray(ivBytes, sealed.length - tagBytes);
    for (let from = 0; from < text.length; from += cipherPieceBytes) {
      yield decipher.update(text.subarray(from, from + cipherPieceBytes));
    }
  }

  #decipher(sealed: Buffer): Decipheriv {
    if (!this.isAuthentic(sealed)) {
      throw new OperationError('repository-damaged', 'sealed data is damaged: its authentication tag does not match');
    }
    return createDecipheriv('aes-256-ctr', this.#encrypt, sealed.subarray(0, ivBytes));
  }

  #authenticate(iv: Buffer, text: Buffer): void {
    const nonce = this.#ecb.update(iv);
    assert(nonce.length === ivBytes, 'one block of AES gives one block');
    nonce.copy(this.#oneTimeKey, 16);
    sodium.crypto_onetimeauth(this.#tag, text, this.#oneTimeKey);
  }

  #takeRandom(target: Buffer): void {
    if (this.#randomUsed + target.length > randomPoolBytes) {
      randomFillSync(this.#random);
      this.#randomUsed = 0;
    }
    this.#random.copy(target, 0, this.#randomUsed, this.#randomUsed + target.length);
    this.#random.fill(0, this.#randomUsed, this.#randomUsed + target.length);
    this.#randomUsed += target.length;
  }
}
