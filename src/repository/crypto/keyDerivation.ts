import { scrypt } from 'node:crypto';
import { masterKeyFromBytes, type MasterKey } from './masterKey.ts';

/** Cost of scrypt as recorded in a key file. */
export interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** About 32 MiB and 100-200 ms on a current core; restic calibrates to the same order. */
export const defaultScryptCost: ScryptCost = { N: 32768, r: 8, p: 1 };

/** Derives the key that wraps a master key from a password (UTF-8 as given). Runs on the thread pool. */
export function deriveUserKey(password: string, salt: Buffer, cost: ScryptCost): Promise<MasterKey> {
  const memoryBytes = 128 * cost.N * cost.r * cost.p;
  return new Promise((resolve, reject) => {
    scrypt(password, salt, 64, { ...cost, maxmem: memoryBytes + 1024 * 1024 + 128 * cost.r * 4 }, (error, bytes) => {
      if (error === null) resolve(masterKeyFromBytes(bytes));
      else reject(error);
    });
  });
}
