import { closeSync, lstatSync, openSync, readSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { systemErrorCode } from '../../src/base/errors.ts';

const pieceBytes = 256 * 1024;

/** Every regular file under a directory, as absolute paths; symbolic links are not followed. */
export function listFiles(directory: string): string[] {
  // not readdir's own recursion, which enters links to directories
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return listFiles(path);
    return entry.isFile() ? [path] : [];
  });
}

export function treeBytes(directory: string): number {
  return listFiles(directory).reduce((sum, path) => sum + (lstatSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
}

/** Reads a tree once, so that whoever comes next reads it from memory. */
export function readIntoCache(directory: string): void {
  const buffer = Buffer.allocUnsafe(pieceBytes);
  for (const path of listFiles(directory)) {
    try {
      for (const _ of piecesOf(path, buffer)) continue;
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error; // a running server removes files meanwhile
    }
  }
}

/** What differs between the relation files of two data directories: paths, and why; at most ten. */
export function relationDifferences(source: string, copy: string): string[] {
  const [wanted, found] = [relationFiles(source), relationFiles(copy)];
  const names = [...new Set([...wanted, ...found])].toSorted();
  const differences = names.flatMap((name) => {
    if (!found.includes(name)) return [`${name} is missing`];
    if (!wanted.includes(name)) return [`${name} is not in the source`];
    return filesEqual(join(source, name), join(copy, name)) ? [] : [`${name} differs`];
  });
  return differences.slice(0, 10);
}

/** Relations are named by numbers; everything else in these directories belongs to the running server. */
export function relationFiles(dataDirectory: string): string[] {
  return ['base', 'global']
    .flatMap((directory) => listFiles(join(dataDirectory, directory)))
    .map((path) => relative(dataDirectory, path))
    .filter((path) => /\/\d+(_\w+)?(\.\d+)?$/.test(path));
}

export function filesEqual(first: string, second: string): boolean {
  if (lstatSync(first).size !== lstatSync(second).size) return false;
  const theirs = piecesOf(second, Buffer.allocUnsafe(pieceBytes));
  try {
    for (const piece of piecesOf(first, Buffer.allocUnsafe(pieceBytes))) {
      const other = theirs.next().value;
      if (other === undefined || !piece.equals(other)) return false;
    }
    return true;
  } finally {
    theirs.return(undefined);
  }
}

/** The file in pieces, each in the same buffer. */
function* piecesOf(path: string, buffer: Buffer): Generator<Buffer, undefined> {
  const fd = openSync(path, 'r');
  try {
    for (;;) {
      const length = readSync(fd, buffer, 0, buffer.length, -1);
      if (length === 0) return undefined;
      yield buffer.subarray(0, length);
    }
  } finally {
    closeSync(fd);
  }
}
