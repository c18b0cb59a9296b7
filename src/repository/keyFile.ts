import { hash, randomBytes } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { OperationError } from '../base/errors.ts';
import { defaultScryptCost, deriveUserKey, type ScryptCost } from './crypto/keyDerivation.ts';
import { parseMasterKey, serializeMasterKey, type MasterKey } from './crypto/masterKey.ts';
import { Sealer } from './crypto/sealer.ts';

/** One key file: the master key wrapped by a password (restic design, "Keys, Encryption and MAC"). Plain JSON. */
export interface KeyFile {
  readonly created: string;
  readonly username: string;
  readonly hostname: string;
  readonly kdf: 'scrypt';
  readonly N: number;
  readonly r: number;
  readonly p: number;
  /** Base64 of 64 bytes. */
  readonly salt: string;
  /** Base64 of the sealed master key. */
  readonly data: string;
}

/** More than this takes a minute and half a gigabyte: no client writes it, it is an attack or damage. */
const maxScryptMemoryBytes = 512 * 1024 * 1024;
const maxScryptWork = 2 ** 28;

export interface KeyOwner {
  readonly username?: string;
  readonly hostname?: string;
}

/** Wraps a master key by a password. Returns the file's bytes and its id. */
export async function createKeyFile(
  masterKey: MasterKey,
  password: string,
  options: { readonly owner?: KeyOwner; readonly cost?: ScryptCost; readonly now: Date },
): Promise<{ id: string; bytes: Buffer }> {
  if (password === '') {
    throw new OperationError('usage', 'an empty password protects nothing', { hint: 'give a password of some length' });
  }
  const cost = options.cost ?? defaultScryptCost;
  const salt = randomBytes(64);
  const userKey = await deriveUserKey(password, salt, cost);
  const file: KeyFile = {
    created: options.now.toISOString(),
    username: options.owner?.username ?? userInfo().username,
    hostname: options.owner?.hostname ?? hostname(),
    kdf: 'scrypt',
    ...cost,
    salt: salt.toString('base64'),
    data: new Sealer(userKey).seal(serializeMasterKey(masterKey)).toString('base64'),
  };
  const bytes = Buffer.from(JSON.stringify(file));
  return { id: hash('sha256', bytes, 'hex'), bytes };
}

/** Reads a key file whose name is `id`; throws `repository-unsupported` for a key derivation that we do not know. */
export function parseKeyFile(bytes: Buffer, id: string): KeyFile {
  if (hash('sha256', bytes, 'hex') !== id) {
    throw new OperationError(
      'repository-damaged',
      `key ${id.slice(0, 8)} is damaged: its content does not match its name`,
    );
  }
  let file: Partial<KeyFile>;
  try {
    file = Object(JSON.parse(bytes.toString('utf8'))) as Partial<KeyFile>;
  } catch (cause) {
    throw new OperationError('repository-damaged', `key ${id.slice(0, 8)} is damaged: it is not JSON`, { cause });
  }
  if (file.kdf !== 'scrypt') {
    throw new OperationError('repository-unsupported', `key ${id.slice(0, 8)} uses an unknown key derivation`, {
      hint: 'no restic client opens a repository with such a key: remove the file from keys/',
    });
  }
  const { N = 0, r = 0, p = 0 } = file;
  const numbers =
    [N, r, p].every((value) => Number.isSafeInteger(value) && value > 0) && N > 1 && Number.isInteger(Math.log2(N));
  const complete = numbers && typeof file.salt === 'string' && typeof file.data === 'string';
  if (!complete || Buffer.from(file.salt ?? '', 'base64').length !== 64) {
    throw new OperationError(
      'repository-damaged',
      `key ${id.slice(0, 8)} is damaged: a field is missing or impossible`,
    );
  }
  if (128 * N * r > maxScryptMemoryBytes || N * r * p > maxScryptWork) {
    throw new OperationError(
      'repository-unsupported',
      `key ${id.slice(0, 8)} asks for more work than any client does`,
      {
        hint: 'who put it there? remove the file from keys/',
      },
    );
  }
  const { username = '', hostname: host = '', created = '' } = file;
  return { ...(file as KeyFile), username, hostname: host, created };
}

/** The master key, or undefined when the password is not this key's. */
export async function openKeyFile(file: KeyFile, password: string): Promise<MasterKey | undefined> {
  const userKey = await deriveUserKey(password, Buffer.from(file.salt, 'base64'), file);
  const sealer = new Sealer(userKey);
  const sealed = Buffer.from(file.data, 'base64');
  return sealer.isAuthentic(sealed) ? parseMasterKey(sealer.open(sealed)) : undefined;
}
