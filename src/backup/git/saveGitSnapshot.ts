import type { Context } from '../../base/context.ts';
import { OperationError } from '../../base/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Upload } from '../../repository/upload.ts';
import { archiveDirectory } from '../archivedNode.ts';
import { earlierSnapshots } from '../earlierSnapshots.ts';
import type { GitBackupOptions, GitBackupResult, MirroredSource } from '../gitBackup.ts';
import { mirrorName, serializeGitRecord, type GitRecord } from '../gitRecord.ts';
import { madeDirectory, recordFileName, saveSmallFile, saveSourceSnapshot } from '../sourceSnapshot.ts';
import type { Mirror } from './mirror.ts';

interface GitSnapshot {
  readonly options: GitBackupOptions;
  readonly startTime: Date;
  readonly mirror: Mirror;
  readonly mirrored: MirroredSource;
}

/** Stores the mirror, which nobody changes meanwhile, and what was found out about its source. */
export async function saveGitSnapshot(
  ctx: Context,
  to: { readonly repository: Repository; readonly upload: Upload },
  { options, startTime, mirror, mirrored }: GitSnapshot,
): Promise<GitBackupResult> {
  const { source, progress } = options;
  const of = { kind: 'git', source, hostname: options.hostname } as const;
  const [parent] = await earlierSnapshots(ctx, to.repository, of);
  const archived = await archiveDirectory(ctx, { ...to, directory: mirror.path, progress });
  const [lacking] = [...archived.unreadable.map(({ path }) => path), ...archived.changed, ...archived.vanished];
  if (lacking !== undefined) {
    throw new OperationError('source-changed', `something else changes the mirror: ${lacking.toString()}`, {
      hint: 'nobody but understudy may work in the directory of the mirror',
    });
  }
  const record: GitRecord = {
    format: 1,
    kind: 'git',
    source,
    from: mirrored.source.remote.url,
    startTime: startTime.toISOString(),
    stopTime: ctx.clock.now().toISOString(),
    parent: parent?.id ?? null,
    objectFormat: mirrored.source.objectFormat,
    head: mirrored.refs.head,
    refs: [...mirrored.refs.refs].map(([name, id]) => ({ name, id })),
    kept: [...mirrored.refs.kept],
    remotes: [...mirrored.remotes],
    working: mirrored.working,
    stashes: mirrored.stashes,
    isShallow: mirrored.source.isShallow,
    submodules: [...mirrored.submodules],
    usesLfs: mirrored.usesLfs,
    packs: mirrored.packs,
    sizeBytes: mirrored.sizeBytes,
    remarks: [...mirrored.remarks],
  };
  const attributes = madeDirectory(source, startTime);
  const entries = [
    { ...archived.node, name: Buffer.from(mirrorName) },
    await saveSmallFile(to.upload, attributes, { name: recordFileName, bytes: serializeGitRecord(record) }),
  ];
  const snapshot = {
    kind: 'git',
    source,
    time: startTime,
    attributes,
    entries,
    options: { ...options, parent },
  } as const;
  return { ...(await saveSourceSnapshot(ctx, to, snapshot)), record };
}
