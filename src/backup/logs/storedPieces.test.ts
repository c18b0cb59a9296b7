import { expect, test } from 'vitest';
import { createContext } from '../../base/context.ts';
import { Upload } from '../../repository/upload.ts';
import { BlobList } from '../../snapshot/blobList.ts';
import type { FileNode } from '../../snapshot/node.ts';
import { serializeTree } from '../../snapshot/tree.ts';
import { newRepository } from '../../testing/repositories.ts';
import { logsDirectoryName } from '../logsRecord.ts';
import { madeDirectory, saveSmallFile, saveSourceSnapshot } from '../sourceSnapshot.ts';
import { loadStoredPieces } from './storedPieces.ts';

test('a piece of which the repository lacks a part is not taken for stored', async () => {
  const ctx = createContext();
  const repository = await newRepository();
  await using upload = await Upload.begin(ctx, repository, { threads: 0 });
  const time = new Date('2026-11-22T12:00:00Z');
  const attributes = madeDirectory(logsDirectoryName, time);
  const piece = (name: string): Promise<FileNode> =>
    saveSmallFile(upload, attributes, { name, bytes: Buffer.from(name) });
  const lacking = { ...(await piece('b.log.20261122T120000.000Z')), content: BlobList.fromHex(['ab'.repeat(32)]) };
  const good = await piece('a.log.20261122T120000.000Z');
  const subtree = await upload.saveBlob('tree', serializeTree([good, lacking]));
  const { snapshot } = await saveSourceSnapshot(
    ctx,
    { repository, upload },
    {
      kind: 'logs',
      source: 'app',
      time,
      attributes,
      entries: [{ ...attributes, type: 'dir', subtree }],
      options: { parent: undefined },
    },
  );
  const stored = await loadStoredPieces(ctx, repository, [snapshot]);
  expect([...stored.nodes.keys()]).toEqual([good.name.toString()]);
});
