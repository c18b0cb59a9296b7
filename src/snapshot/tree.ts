import { createHash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import type { Context } from '../base/context.ts';
import { InvariantError, assert } from '../base/errors.ts';
import { JsonScanner } from './json/jsonScanner.ts';
import { readNode } from './json/nodeReader.ts';
import { writeNode } from './json/nodeWriter.ts';
import { nameProblem, type TreeNode } from './node.ts';

const opening = '{"nodes":[';
const closing = ']}\n';
/** Node hashes less than 2 GiB at a time; the tree of a directory with terabytes of files is larger. */
const hashPieceBytes = 2 ** 30;

/** Loads the plaintext of a tree blob by id; the caller has verified that its hash is the id. */
export type LoadTree = (ctx: Context, id: string) => Promise<Buffer>;

/** Id of a tree blob: SHA-256 of its plaintext, lower-case hex. */
export function treeId(tree: Uint8Array): string {
  const hash = createHash('sha256');
  for (let at = 0; at < tree.length; at += hashPieceBytes) hash.update(tree.subarray(at, at + hashPieceBytes));
  return hash.digest('hex');
}

/**
 * The plaintext of a tree blob, byte for byte what stock restic writes for the same nodes (docs/design/repository.md).
 * Nodes must be in the order of `compareNodes`, without duplicates and with valid names.
 */
export function serializeTree(nodes: readonly TreeNode[]): Buffer {
  checkOrder(nodes, (problem) => {
    throw new InvariantError(problem);
  });
  const pieces = nodes.map(writeNode);
  let length = opening.length + closing.length + Math.max(0, nodes.length - 1);
  for (const piece of pieces) {
    length += Buffer.byteLength(piece.head) + (piece.content?.jsonBytes ?? 0) + Buffer.byteLength(piece.tail);
  }
  const out = Buffer.allocUnsafeSlow(length);
  let at = out.write(opening, 'latin1');
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) out[at++] = 0x2c;
    at += out.write(piece.head, at, 'utf8');
    if (piece.content !== undefined) at = piece.content.writeJson(out, at);
    at += out.write(piece.tail, at, 'utf8');
  }
  at += out.write(closing, at, 'latin1');
  assert(at === length, 'a tree has the length that was computed for it');
  return out;
}

/**
 * Reads a tree blob and checks all that restic trusts: order, duplicate names, names that reach elsewhere, unknown
 * types, files without a content list, directories without a subtree, number ranges. Unknown members are ignored, as
 * restic does. Content lists stay views of `bytes` until asked for. `id` names the tree in errors. Throws
 * `repository-damaged`.
 */
export function parseTree(bytes: Uint8Array, id: string): TreeNode[] {
  const scanner = new JsonScanner(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    `tree ${id.slice(0, 8)}`,
  );
  if (!isUtf8(bytes)) scanner.fail('it is not UTF-8');
  let nodes: TreeNode[] | undefined;
  scanner.object((key) => {
    if (key !== 'nodes') {
      scanner.raw();
      return;
    }
    if (nodes !== undefined) scanner.fail('it has two lists of nodes');
    const list: TreeNode[] = [];
    scanner.array(() => void list.push(readNode(scanner)));
    nodes = list;
  });
  if (scanner.peek() !== -1) scanner.fail('something follows its end');
  if (nodes === undefined) return scanner.fail('it has no list of nodes');
  checkOrder(nodes, (problem) => scanner.fail(problem));
  return nodes;
}

function checkOrder(nodes: readonly TreeNode[], fail: (problem: string) => never): void {
  let previous: Buffer | undefined;
  for (const { name } of nodes) {
    const problem = nameProblem(name);
    if (problem !== undefined) fail(`the name ${JSON.stringify(name.toString())} ${problem}`);
    const order = previous === undefined ? -1 : Buffer.compare(previous, name);
    if (order === 0) fail(`the name ${JSON.stringify(name.toString())} occurs twice`);
    if (order > 0) fail(`the name ${JSON.stringify(name.toString())} is out of order`);
    previous = name;
  }
}
