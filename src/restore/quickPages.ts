import { chunkChecksumsName, parseChunkChecksums } from '../backup/chunkChecksums.ts';
import type { Context } from '../base/context.ts';
import { moduleUrl } from '../base/workerPool.ts';
import { parseLsn } from '../postgres/lsn.ts';
import { parseRelationPath } from '../postgres/relationFile.ts';
import type { Repository } from '../repository/repository.ts';
import type { QuickEqualReference } from '../restorer/quickEqual.ts';
import { loadSnapshotFile } from '../snapshot/fileContent.ts';
import type { BaseBackup } from './baseBackup.ts';
import type { PageEqualityOptions, PageProof } from './pageEquality.ts';

/**
 * How a delta restore proves existing relation files fast, for a backup of a cluster with data checksums; undefined for
 * one without, whose pages prove nothing about themselves.
 */
export async function quickPages(
  ctx: Context,
  repository: Repository,
  { snapshot, record }: BaseBackup,
): Promise<QuickEqualReference | undefined> {
  if (!record.dataChecksums) return undefined;
  const bytes = await loadSnapshotFile(ctx, repository, {
    treeId: snapshot.tree,
    path: `/${record.source}/${chunkChecksumsName}`,
  });
  const checksums = parseChunkChecksums(bytes);
  const options: PageEqualityOptions = {
    startLsn: parseLsn(record.startLsn),
    blockBytes: record.blockBytes,
    blocksPerSegment: record.blocksPerSegment,
  };
  return {
    module: moduleUrl('./pageEquality', import.meta).href,
    options,
    proofOf: (path): PageProof | undefined => {
      const relation = parseRelationPath(path);
      const crcs = checksums.get(path);
      if (relation?.fork !== 'main' || crcs === undefined) return undefined;
      return { segment: relation.segment, crcs };
    },
  };
}
