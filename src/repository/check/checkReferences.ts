import type { Context } from '../../base/context.ts';
import { isOperationError } from '../../base/errors.ts';
import { toHex } from '../../base/hex.ts';
import { idWords, plainLength } from '../blobTable.ts';
import type { RepositoryIndex } from '../index/repositoryIndex.ts';
import type { ReferencedFile, References, SnapshotRoot } from '../references.ts';
import type { Repository } from '../repository.ts';
import type { Findings } from './findings.ts';

const forget = 'restore what is missing from a copy of the repository; else forget the snapshots that need it';

/** Loads the snapshots that can be read; the others are errors. */
export async function checkSnapshots(
  ctx: Context,
  repository: Repository,
  { references, findings }: { readonly references: References; readonly findings: Findings },
): Promise<readonly SnapshotRoot[]> {
  return references.load(ctx, repository, (id, error) => {
    if (!isOperationError(error, 'repository-damaged')) throw error;
    findings.thrown(`snapshots/${id}`, error, 'restore it from a copy of the repository, or remove it');
  });
}

export interface ReferenceTotals {
  readonly trees: number;
  readonly files: number;
}

/**
 * Walks all trees: each must be readable and strictly right, each data blob in the index, each file as long as its
 * blobs.
 */
export async function checkReferences(
  ctx: Context,
  repository: Repository,
  from: {
    readonly references: References;
    readonly roots: readonly SnapshotRoot[];
    readonly index: RepositoryIndex;
    readonly findings: Findings;
  },
): Promise<ReferenceTotals> {
  const { references, roots, index, findings } = from;
  const totals = { trees: 0, files: 0 };
  await references.walk(ctx, repository, {
    roots,
    visitor: {
      tree: () => void totals.trees++,
      file: (file) => {
        totals.files++;
        checkFile(file, index, findings);
      },
      unreadable: (treeId, error) => {
        if (!isOperationError(error, 'repository-damaged', 'object-missing')) throw error;
        findings.thrown(`tree ${treeId}`, error, forget);
      },
    },
  });
  return totals;
}

const words = new Uint32Array(8);

function checkFile(file: ReferencedFile, index: RepositoryIndex, findings: Findings): void {
  const { content, treeId, name } = file;
  const table = index.table('data');
  const missing: string[] = [];
  let bytes = 0n;
  for (let at = 0; at < content.length; at += 32) {
    const entry = table.find(idWords(content.subarray(at, at + 32), words));
    const location = entry < 0 ? undefined : table.location(entry);
    if (location === undefined) missing.push(toHex(content.subarray(at, at + 32)));
    else bytes += BigInt(plainLength(location));
  }
  const shown = JSON.stringify(name);
  const [first] = missing;
  if (first !== undefined) {
    const blobs = missing.length === 1 ? `data blob ${first}` : `${missing.length} data blobs, first ${first}`;
    findings.error(`tree ${treeId}`, `its file ${shown} needs what no index lists: ${blobs}`, forget);
  } else if (bytes !== file.size) {
    const problem = `its file ${shown} is recorded with ${file.size} bytes, and its blobs have ${bytes}`;
    findings.error(`tree ${treeId}`, problem, 'a faulty client wrote it: back up again and forget what needs it');
  }
}
