import { dirname, posix } from 'node:path';
import { isTestFile } from './projectFiles.ts';
import { layers } from './layers.ts';

const importPattern = /(?:\bfrom|\bimport|\bimport\s*\(|\bnew\s+URL\s*\()\s*'(\.{1,2}\/[^']*)'/g;

/** Paths (relative to the root) of the project's files that this one imports, types and lazy imports included. */
export function importsOf(path: string, text: string): string[] {
  return [...text.matchAll(importPattern)].map(([, target]) => posix.join(dirname(path), target ?? ''));
}

/** Says what is wrong with one file of src/ importing another path, or undefined. */
export function layerViolation(from: string, to: string): string | undefined {
  const source = partsOf(from);
  const target = partsOf(to);
  if (source === undefined || target === undefined || source.folder === target.folder) return undefined;
  if (target.isPrivate) return `${from} imports ${to}, which is private to src/${target.folder}`;
  if (isTestFile(from) || target.folder === 'base') return undefined;
  if (source.folder === '' ? target.folder === 'cli' : layers[source.folder]?.includes(target.folder) === true) {
    return undefined;
  }
  return `${from} imports ${to}, which tools/layers.ts does not allow`;
}

/** The layer folder of a file below src/ (empty for src/main.ts), and whether it lies deeper than its public face. */
function partsOf(path: string): { readonly folder: string; readonly isPrivate: boolean } | undefined {
  const [root, ...parts] = path.split('/');
  if (root !== 'src') return undefined;
  return { folder: parts.length === 1 ? '' : (parts[0] ?? ''), isPrivate: parts.length > 2 };
}
