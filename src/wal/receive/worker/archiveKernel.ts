import { openLocalBackend } from '../../../backend/local.ts';
import type { Backend } from '../../../backend/backend.ts';
import { createContext, type Context } from '../../../base/context.ts';
import { assert, isOperationError } from '../../../base/errors.ts';
import type { Kernel } from '../../../base/workerPool.ts';
import type { SystemIdentifier } from '../../../postgres/systemIdentifier.ts';
import type { WalFileName } from '../../../postgres/walFileName.ts';
import type { WalSegmentName } from '../../../postgres/walSegment.ts';
import { ObjectSealer } from '../../../repository/sealedObject.ts';
import { WalArchive, type PutOutcome } from '../../walArchive.ts';
import { sealWalFile } from '../../walObject.ts';
import { walObjectName } from '../../walObjectName.ts';
import { attempt } from './taskResult.ts';

export interface ArchiveKernelInit {
  /** See `exportMasterKey`. */
  readonly masterKey: Uint8Array;
  /** A local repository's directory, or (in-process only) a backend. */
  readonly storage: { readonly directory: string } | { readonly backend: Backend; readonly ctx: Context };
}

/** A whole segment, sealed into `target` by one task and stored by another: that may be another thread's. */
export interface SegmentTask {
  readonly segment: WalSegmentName;
  readonly memory: SharedArrayBuffer;
  readonly target: SharedArrayBuffer;
}

export interface SealedSegment {
  readonly sealedBytes: number;
}

export type ArchiveTask =
  /** First of all, to every thread: of which cluster the WAL is. */
  | { readonly kind: 'serve'; readonly systemIdentifier: SystemIdentifier }
  | ({ readonly kind: 'seal' } & SegmentTask)
  | ({ readonly kind: 'store' } & SegmentTask & SealedSegment)
  | {
      readonly kind: 'partial';
      readonly segment: WalSegmentName;
      readonly memory: SharedArrayBuffer;
      readonly length: number;
    }
  | { readonly kind: 'put'; readonly file: WalFileName; readonly content: Uint8Array };

/** Room that a sealed segment may need: zstd adds little even to bytes that do not compress. */
export function sealedBound(segmentBytes: number): number {
  return segmentBytes + segmentBytes / 128 + 4096;
}

/** The threads that hash, compress, seal and store what was received. */
export function createKernel({ masterKey, storage }: ArchiveKernelInit): Kernel {
  const ctx = createContext('directory' in storage ? {} : storage.ctx);
  const backend = 'directory' in storage ? openLocalBackend(storage.directory) : storage.backend;
  const sealer = ObjectSealer.fromBytes(masterKey);
  let archive: WalArchive | undefined;
  const run = async (task: ArchiveTask): Promise<SealedSegment | PutOutcome | undefined> => {
    if (task.kind === 'serve') {
      archive = new WalArchive({ backend, sealer, systemIdentifier: task.systemIdentifier });
      return undefined;
    }
    assert(archive !== undefined, 'the threads know whom they serve');
    switch (task.kind) {
      case 'seal':
        return seal(archive, task);
      case 'store':
        return store(ctx, archive, task);
      case 'partial':
        return archive.put(ctx, { kind: 'partial', segment: task.segment }, Buffer.from(task.memory, 0, task.length));
      case 'put':
        return archive.put(ctx, task.file, task.content);
    }
  };
  return { run: (task: ArchiveTask) => attempt(() => run(task)) };
}

function seal({ codec }: WalArchive, { segment, memory, target }: SegmentTask): SealedSegment {
  const { sealed } = sealWalFile(codec, { kind: 'segment', segment }, Buffer.from(memory));
  assert(sealed.length <= target.byteLength, 'a sealed segment is hardly larger than the segment');
  sealed.copy(Buffer.from(target));
  return { sealedBytes: sealed.length };
}

async function store(
  ctx: Context,
  archive: WalArchive,
  { segment, memory, target, sealedBytes }: SegmentTask & SealedSegment,
): Promise<PutOutcome> {
  const file: WalFileName = { kind: 'segment', segment };
  const name = walObjectName(archive.systemIdentifier, file);
  try {
    await archive.backend.put(ctx, name, Buffer.from(target, 0, sealedBytes), { ifAbsent: true });
  } catch (error) {
    if (!isOperationError(error, 'object-exists')) throw error;
    return archive.confirmIdentical(ctx, file, Buffer.from(memory));
  }
  await archive.dropPartial(ctx, segment);
  return 'stored';
}
