import { unixModeFromGo } from '../../snapshot/fileMode.ts';
import type { TreeNode } from '../../snapshot/node.ts';
import { formatUtc } from '../../snapshot/time.ts';
import type { TreeEntry } from '../../snapshot/walkTree.ts';

const typeLetters: Readonly<Record<TreeNode['type'], string>> = {
  file: '-',
  dir: 'd',
  symlink: 'l',
  dev: 'b',
  chardev: 'c',
  fifo: 'p',
  socket: 's',
};

/** The object that `ls --json` prints, with restic's names. */
export function nodeFields({ path, node }: TreeEntry): Record<string, unknown> {
  return {
    name: node.name.toString(),
    type: node.type,
    path: `/${path.toString()}`,
    uid: node.uid,
    gid: node.gid,
    ...(node.type === 'file' ? { size: Number(node.size) } : {}),
    ...(node.type === 'symlink' ? { linktarget: node.linkTarget.toString() } : {}),
    mode: node.mode,
    permissions: permissions(node),
    mtime: formatUtc(node.mtimeNs),
  };
}

/** `-rw------- postgres postgres  8192 2026-11-22 10:42:07 /main/pgdata/PG_VERSION`; times in UTC. */
export function longLine({ path, node }: TreeEntry): string {
  const owner = `${node.user ?? node.uid} ${node.group ?? node.gid}`;
  const size = String(node.type === 'file' ? node.size : 0).padStart(11);
  const time = formatUtc(node.mtimeNs).slice(0, 19).replace('T', ' ');
  const link = node.type === 'symlink' ? ` -> ${node.linkTarget.toString()}` : '';
  return `${permissions(node)} ${owner} ${size} ${time} ${visible(`/${path.toString()}`)}${link}`;
}

/** A name with control characters must not write on the screen what it likes. */
export function visible(path: string): string {
  // oxlint-disable-next-line no-control-regex
  return path.replace(/[\x00-\x1f\x7f-\x9f]/g, (character) => {
    const json = JSON.stringify(character).slice(1, -1);
    return json === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : json; // 7f to 9f
  });
}

function permissions(node: TreeNode): string {
  const mode = unixModeFromGo(node.mode, node.type);
  const letters = 'rwxrwxrwx'.split('').map((letter, index) => ((mode & (1 << (8 - index))) === 0 ? '-' : letter));
  const special = (at: number, [bit, plain, without]: readonly [number, string, string]): void => {
    if ((mode & bit) !== 0) letters[at] = letters[at] === 'x' ? plain : without;
  };
  special(2, [0o4000, 's', 'S']);
  special(5, [0o2000, 's', 'S']);
  special(8, [0o1000, 't', 'T']);
  return `${typeLetters[node.type]}${letters.join('')}`;
}
