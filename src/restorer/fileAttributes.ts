import type { ExtendedAttribute } from '../snapshot/node.ts';
import type { OwnerOf } from './directories.ts';
import type { PlannedFile } from './restorePlan.ts';
import type { FileAttributes } from './worker/finishFiles.ts';

/** The attributes of all files, in arrays that threads share. */
export function shareAttributes(files: readonly PlannedFile[], ownerOf: OwnerOf): FileAttributes {
  const modes = new Uint32Array(new SharedArrayBuffer(files.length * 4));
  const uids = new Uint32Array(new SharedArrayBuffer(files.length * 4));
  const gids = new Uint32Array(new SharedArrayBuffer(files.length * 4));
  const mtimesNs = new BigInt64Array(new SharedArrayBuffer(files.length * 8));
  const atimesNs = new BigInt64Array(new SharedArrayBuffer(files.length * 8));
  const xattrs = new Map<number, readonly ExtendedAttribute[]>();
  let owned = false;
  files.forEach(({ attributes }, file) => {
    modes[file] = attributes.mode;
    mtimesNs[file] = attributes.mtimeNs;
    atimesNs[file] = attributes.atimeNs;
    if (attributes.xattrs !== undefined) xattrs.set(file, attributes.xattrs);
    const owner = ownerOf(attributes);
    if (owner === undefined) return;
    owned = true;
    uids[file] = owner.uid;
    gids[file] = owner.gid;
  });
  return { modes, mtimesNs, atimesNs, xattrs, ...(owned ? { owners: { uids, gids } } : {}) };
}
