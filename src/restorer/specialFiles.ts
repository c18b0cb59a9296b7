import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lchownSync,
  linkSync,
  lutimesSync,
  openSync,
  symlinkSync,
} from 'node:fs';
import { systemErrorCode } from '../base/errors.ts';
import type { Posix } from '../base/posix.ts';
import { nodeTypeOfUnixMode, unixModeFromGo } from '../snapshot/fileMode.ts';
import { onDestination } from './destinationErrors.ts';
import type { OwnerOf } from './directories.ts';
import { bytesOf } from './existingEntries.ts';
import type { PlannedHardLink, PlannedSpecial } from './restorePlan.ts';
import { setTimes, setXattrs } from './worker/finishFiles.ts';

/** Gives files their further names. `complete`: where the files that have all their content are, by planned path. */
export function createHardLinks(links: readonly PlannedHardLink[], complete: ReadonlyMap<string, string>): void {
  for (const { path, target } of links) {
    const existing = complete.get(target);
    if (existing !== undefined) onDestination('link', path, () => linkSync(bytesOf(existing), bytesOf(path)));
  }
}

/** Creates symbolic links, fifos and devices with their attributes. Returns what was refused (devices, unless root). */
export function createSpecials(
  specials: readonly PlannedSpecial[],
  { posix, ownerOf }: { posix: Posix | undefined; ownerOf: OwnerOf },
): string[] {
  const refused: string[] = [];
  for (const special of specials) {
    const { path, attributes, node } = special;
    const bytes = bytesOf(path);
    onDestination('create', path, () => {
      if (!special.exists && !create(special, posix)) {
        refused.push(`the ${node.type} ${bytes.toString()}`);
        return;
      }
      const owner = ownerOf(attributes);
      if (owner !== undefined) lchownSync(bytes, owner.uid, owner.gid);
      if (attributes.xattrs !== undefined) refused.push(...setXattrs(posix, bytes, attributes.xattrs));
      if (node.type !== 'symlink') {
        setMode(special);
        setTimes(posix, bytes, attributes);
      } else if (posix !== undefined) posix.setTimes(bytes, attributes.atimeNs, attributes.mtimeNs);
      else lutimesSync(bytes, Number(attributes.atimeNs) / 1e9, Number(attributes.mtimeNs) / 1e9);
    });
  }
  return refused;
}

/** `O_PATH`: a handle of the entry itself, which opens nothing; a device might act upon being opened. */
const entryOnly = 0o10000000;

/** Sets the mode of what was created, and of nothing that somebody put in its place meanwhile. */
function setMode({ path, attributes, node }: PlannedSpecial): void {
  const fd = openSync(bytesOf(path), entryOnly | constants.O_NOFOLLOW);
  try {
    const isOurs = nodeTypeOfUnixMode(fstatSync(fd).mode) === node.type;
    if (!isOurs) throw Object.assign(new Error('EEXIST: something else is there'), { code: 'EEXIST' });
    chmodSync(`/proc/self/fd/${fd}`, attributes.mode);
  } finally {
    closeSync(fd);
  }
}

function create({ path, node }: PlannedSpecial, posix: Posix | undefined): boolean {
  if (node.type === 'symlink') {
    symlinkSync(node.linkTarget, bytesOf(path));
    return true;
  }
  if (posix === undefined) return false;
  try {
    const type = unixModeFromGo(0, node.type);
    posix.makeNode(bytesOf(path), type + 0o600, node.device ?? 0n);
    return true;
  } catch (error) {
    if (node.type !== 'fifo' && systemErrorCode(error) === 'EPERM') return false;
    throw error;
  }
}
