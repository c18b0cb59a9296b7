import { z } from 'zod';
import type { Context } from '../../base/context.ts';
import { kindOf, sourceOf } from '../../backup/sourceSnapshot.ts';
import { withReadLock } from '../../repository/readLock.ts';
import type { Repository } from '../../repository/repository.ts';
import { componentsOf, filesOfSource, type FilesSelection } from '../../restore/filesOfSource.ts';
import { applyRestore } from '../../restorer/applyRestore.ts';
import { planRestore } from '../../restorer/planRestore.ts';
import { loadRecordFacts } from '../../retention/sourceRecord.ts';
import { snapshotSource } from '../../snapshot/repositorySource.ts';
import { findSnapshot } from '../../snapshot/snapshotSelector.ts';
import type { Snapshot } from '../../snapshot/snapshots.ts';
import { formatTimestamp } from '../../snapshot/time.ts';
import { defineStepKind } from '../stepKind.ts';
import { resticRestore, shellWord } from './byHand.ts';
import { destinationShape, stepDestination } from './destination.ts';
import { tellUnlocked } from './tellUnlocked.ts';

/** Restores the files of a snapshot, or a part of them. */
export const restoreFilesKind = defineStepKind({
  name: 'restore-files',
  shape: {
    ...destinationShape,
    snapshot: z.string().min(1).default('latest').describe('Id of the snapshot, or `latest`.'),
    source: z.string().min(1).optional().describe('With `latest`: whose snapshot.'),
    path: z
      .string()
      .default('')
      .describe('What of it: below the directory that was backed up, or with a slash in front a path in the snapshot.'),
  },
  repeatable: () => true,
  run: async (ctx, options, step) => {
    const repository = await step.services.repository(ctx);
    const destination = stepDestination(options, step);
    const tags = options.source === undefined ? [] : [[`source:${options.source}`]];
    return withReadLock(ctx, repository, {
      onUnlocked: tellUnlocked(step),
      run: async (locked) => {
        const selector = { text: options.snapshot, filter: { tags } };
        const snapshot = await findSnapshot(locked, snapshotSource(repository), selector);
        const plan = await planRestore(locked, repository, {
          treeId: snapshot.tree,
          ...(await wanted(locked, repository, { snapshot, path: options.path })),
          destination: destination.path,
          existing: destination.existing,
        });
        destination.begin();
        const result = await applyRestore(locked, repository, plan);
        destination.end();
        for (const refused of result.refused) step.output(`not restored: ${refused}`);
        return {
          summary: `restored ${result.files} files`,
          facts: {
            snapshot: snapshot.id,
            source: options.source ?? null,
            consistentAt: formatTimestamp(snapshot.time),
            files: result.files,
            bytes: result.totalBytes,
            flaw: await flawOf(locked, repository, snapshot),
          },
        };
      },
    });
  },
  byHand: ({ snapshot, source, path, destination }) => {
    const restored = './restored';
    if (path.startsWith('/')) {
      return [
        resticRestore({ snapshot, source, path, target: restored }),
        `cp -a ${shellWord(`${restored}${path}`)} ${shellWord(destination)}`,
      ].join('\n');
    }
    const part = path === '' ? '.' : `${path}/.`;
    return [
      resticRestore({ snapshot, source, target: restored }),
      `cp -a ${shellWord(`${restored}/${source ?? '<source>'}/files/<directory on the lost machine>/${part}`)} ${shellWord(destination)}`,
    ].join('\n');
  },
});

/** The content of a source of ours without our record; all of a snapshot of others. */
async function wanted(
  ctx: Context,
  repository: Repository,
  { snapshot, path }: { readonly snapshot: Snapshot; readonly path: string },
): Promise<{ readonly subPath: string } & FilesSelection> {
  const kind = kindOf(snapshot);
  if (path.startsWith('/') || kind === undefined) return { subPath: path };
  if (kind !== 'files') return { subPath: [sourceOf(snapshot), ...componentsOf(path)].join('/') };
  const files = await filesOfSource(ctx, repository, { snapshot });
  if (path === '') return { subPath: files.path, ...files.selection };
  return { subPath: [files.path, ...componentsOf(path)].join('/') };
}

/** Why a snapshot of ours is no whole backup; null when it is one, and for those of others, which tell nothing. */
async function flawOf(ctx: Context, repository: Repository, snapshot: Snapshot): Promise<string | null> {
  if (kindOf(snapshot) === undefined) return null;
  const { flaw } = await loadRecordFacts(ctx, repository, snapshot);
  return flaw?.reason ?? null;
}
