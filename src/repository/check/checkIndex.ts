import { createHash } from 'node:crypto';
import type { Context } from '../../base/context.ts';
import { isOperationError } from '../../base/errors.ts';
import { forEachConcurrently } from '../../base/concurrency.ts';
import { sealOverheadBytes } from '../crypto/sealer.ts';
import { parseIndex, type IndexedPack } from '../index/indexDocument.ts';
import { RepositoryIndex } from '../index/repositoryIndex.ts';
import { expectedPackBytes } from '../pack/packHeader.ts';
import { packObjectName } from '../pack/packSink.ts';
import type { Repository } from '../repository.ts';
import type { Findings } from './findings.ts';

/** What the index says of a pack. */
export interface PackRecord {
  readonly sizeBytes: number;
  /** Digest of everything that the document says about it. */
  readonly digest: string;
  readonly mixed: boolean;
}

export interface CheckedIndex {
  readonly index: RepositoryIndex;
  /** By pack id. */
  readonly packs: ReadonlyMap<string, PackRecord>;
  readonly documents: number;
}

const loadConcurrency = 8;
const rebuild = 'restore it from a copy of the repository, or rebuild the index: `restic repair index`';

/** Reads every index document, whatever is wrong with some of them, and judges what they say by itself. */
export async function checkIndex(ctx: Context, repository: Repository, findings: Findings): Promise<CheckedIndex> {
  const index = new RepositoryIndex();
  const packs = new Map<string, PackRecord>();
  const ids = await repository.listIds(ctx, 'index');
  await forEachConcurrently(ids, loadConcurrency, async (id) => {
    for (const pack of await readDocument(ctx, repository, { id, findings })) {
      const record = judgePack(pack, findings);
      compareRecords({ pack, record, known: packs.get(pack.id) }, findings);
      packs.set(pack.id, record);
      index.addPack(pack);
    }
  });
  return { index, packs, documents: ids.length };
}

async function readDocument(
  ctx: Context,
  repository: Repository,
  { id, findings }: { readonly id: string; readonly findings: Findings },
): Promise<IndexedPack[]> {
  try {
    return parseIndex(await repository.loadDocument(ctx, 'index', id));
  } catch (error) {
    if (!isOperationError(error, 'repository-damaged', 'object-missing')) throw error;
    findings.thrown(`index/${id}`, error, rebuild);
    return [];
  }
}

function judgePack(pack: IndexedPack, findings: Findings): PackRecord {
  const blobs = pack.blobs.toSorted((a, b) => a.offset - b.offset);
  const digest = createHash('sha256');
  let end = 0;
  let contiguous = true;
  let possible = true;
  for (const { type, id, offset, length, rawLength } of blobs) {
    digest.update(`${type} ${offset} ${length} ${rawLength} `).update(id);
    contiguous &&= offset === end;
    possible &&= length > sealOverheadBytes;
    end = offset + length;
  }
  const object = packObjectName(pack.id);
  if (!contiguous) findings.error(object, 'the index says that its blobs overlap or leave gaps', rebuild);
  if (!possible) findings.error(object, 'the index lists a blob of impossible length in it', rebuild);
  const mixed = new Set(blobs.map(({ type }) => type)).size > 1;
  if (mixed) findings.hint(object, 'holds data and trees', '`understudy prune` sorts them');
  return { sizeBytes: expectedPackBytes(blobs), digest: digest.digest('base64'), mixed };
}

function compareRecords(
  { pack, record, known }: { pack: IndexedPack; record: PackRecord; known: PackRecord | undefined },
  findings: Findings,
): void {
  if (known === undefined) return;
  const object = packObjectName(pack.id);
  if (known.digest === record.digest) {
    findings.hint(object, 'is listed by several index documents', '`understudy prune` removes the surplus');
  } else {
    findings.error(object, 'index documents contradict each other about it', rebuild);
  }
}
