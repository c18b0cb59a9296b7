import { randomBytes, timingSafeEqual } from 'node:crypto';
import { OperationError } from '../../base/errors.ts';

/** The secrets that seal every object of a repository (restic design, "Keys, Encryption and MAC"). */
export interface MasterKey {
  /** AES-256 key, 32 bytes. */
  readonly encrypt: Buffer;
  /** AES-128 key of Poly1305-AES, 16 bytes. */
  readonly macK: Buffer;
  /** Poly1305 r, 16 bytes; clamped by the primitive at use. */
  readonly macR: Buffer;
}

export function generateMasterKey(): MasterKey {
  return { encrypt: randomBytes(32), macK: randomBytes(16), macR: randomBytes(16) };
}

/** Splits 64 bytes of scrypt output into a key, in restic's order. */
export function masterKeyFromBytes(bytes: Buffer): MasterKey {
  return { encrypt: bytes.subarray(0, 32), macK: bytes.subarray(32, 48), macR: bytes.subarray(48, 64) };
}

/** The 64 bytes that `masterKeyFromBytes` takes apart. */
export function masterKeyToBytes(key: MasterKey): Buffer {
  return Buffer.concat([key.encrypt, key.macK, key.macR]);
}

/** JSON as it stands sealed inside a key file. */
export function serializeMasterKey(key: MasterKey): Buffer {
  return Buffer.from(
    JSON.stringify({
      mac: { k: key.macK.toString('base64'), r: key.macR.toString('base64') },
      encrypt: key.encrypt.toString('base64'),
    }),
  );
}

/** Reads the JSON of `serializeMasterKey`; throws `repository-damaged` when a part is missing, short or all zero. */
export function parseMasterKey(json: Buffer): MasterKey {
  let document: { mac?: { k?: string; r?: string }; encrypt?: string };
  try {
    document = JSON.parse(json.toString('utf8')) as typeof document;
  } catch (cause) {
    throw new OperationError('repository-damaged', 'the key file holds no usable master key', { cause });
  }
  const key = {
    encrypt: Buffer.from(document.encrypt ?? '', 'base64'),
    macK: Buffer.from(document.mac?.k ?? '', 'base64'),
    macR: Buffer.from(document.mac?.r ?? '', 'base64'),
  };
  const sizes = key.encrypt.length === 32 && key.macK.length === 16 && key.macR.length === 16;
  const blank = [key.encrypt, key.macK, key.macR].some((part) => part.every((byte) => byte === 0));
  if (!sizes || blank) throw new OperationError('repository-damaged', 'the key file holds no usable master key');
  return key;
}

/** True when both seal alike. */
export function sameMasterKey(a: MasterKey, b: MasterKey): boolean {
  return timingSafeEqual(masterKeyToBytes(a), masterKeyToBytes(b));
}
