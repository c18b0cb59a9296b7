import { OperationError } from '../base/errors.ts';

/** What a tree's node can be; the words are those of the format. */
export const nodeTypes = ['file', 'dir', 'symlink', 'dev', 'chardev', 'fifo', 'socket'] as const;
export type NodeType = (typeof nodeTypes)[number];

interface TypeBits {
  readonly type: NodeType;
  readonly unix: number;
  readonly go: number;
}

const typeTable: readonly TypeBits[] = [
  { type: 'file', unix: 0o100000, go: 0 },
  { type: 'dir', unix: 0o040000, go: 2 ** 31 },
  { type: 'symlink', unix: 0o120000, go: 2 ** 27 },
  { type: 'dev', unix: 0o060000, go: 2 ** 26 },
  { type: 'chardev', unix: 0o020000, go: 2 ** 26 + 2 ** 21 },
  { type: 'fifo', unix: 0o010000, go: 2 ** 25 },
  { type: 'socket', unix: 0o140000, go: 2 ** 24 },
];

const specialBits = [
  { unix: 0o4000, go: 2 ** 23 },
  { unix: 0o2000, go: 2 ** 22 },
  { unix: 0o1000, go: 2 ** 20 },
];

const unixTypeMask = 0o170000;
const permissionMask = 0o777;

/** Node type of a Unix `st_mode`; throws `file-io` for a type that no backup can hold. */
export function nodeTypeOfUnixMode(stMode: number): NodeType {
  return typeBits(stMode).type;
}

/** Unix `st_mode` (type, set-id, sticky and permission bits) as Go's os.FileMode, an unsigned 32-bit number. */
export function goModeFromUnix(stMode: number): number {
  let mode = typeBits(stMode).go + (stMode & permissionMask);
  for (const bit of specialBits) if ((stMode & bit.unix) !== 0) mode += bit.go;
  return mode;
}

/** Go's os.FileMode as `st_mode`. The type comes from the node, since the mode of some writers lacks it. */
export function unixModeFromGo(mode: number, type: NodeType): number {
  let stMode = mode & permissionMask;
  for (const bit of specialBits) if ((mode & bit.go) !== 0) stMode += bit.unix;
  return stMode + (typeTable.find((entry) => entry.type === type)?.unix ?? 0);
}

function typeBits(stMode: number): TypeBits {
  const found = typeTable.find((entry) => entry.unix === (stMode & unixTypeMask));
  if (found === undefined)
    throw new OperationError('file-io', `file type ${(stMode & unixTypeMask).toString(8)} is unknown`);
  return found;
}
