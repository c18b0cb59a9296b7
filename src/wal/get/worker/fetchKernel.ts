import { renameSync, unlinkSync, openSync, closeSync } from 'node:fs';
import { openLocalBackend } from '../../../backend/local.ts';
import type { Backend } from '../../../backend/backend.ts';
import { temporaryPath, writeAllSync } from '../../../base/atomicFile.ts';
import { createContext, type Context } from '../../../base/context.ts';
import { isOperationError } from '../../../base/errors.ts';
import type { Kernel } from '../../../base/workerPool.ts';
import { toSystemIdentifier } from '../../../postgres/systemIdentifier.ts';
import type { WalSegmentName } from '../../../postgres/walSegment.ts';
import { ObjectSealer } from '../../../repository/sealedObject.ts';
import { segmentFile } from '../../walListing.ts';
import { openWalFile, type WalObjectCodec } from '../../walObject.ts';
import { walObjectName } from '../../walObjectName.ts';

export interface FetchKernelInit {
  /** See `exportMasterKey`. */
  readonly masterKey: Uint8Array;
  readonly systemIdentifier: bigint;
  /** A local repository's directory, or (in-process only) a backend. */
  readonly storage: { readonly directory: string } | { readonly backend: Backend; readonly ctx: Context };
}

export interface FetchTask {
  readonly segment: WalSegmentName;
  /** Where the whole, checked segment appears. */
  readonly target: string;
}

/** Whether the segment lies at its target now. Why it does not is found out when somebody asks for it. */
export type FetchResult = { readonly fetched: true } | { readonly fetched: false; readonly code: string };

/** Fetches, opens, decompresses, checks and writes whole segments; all in this thread. */
export function createKernel(init: FetchKernelInit): Kernel {
  const { storage } = init;
  const ctx = createContext('directory' in storage ? {} : storage.ctx);
  const backend = 'directory' in storage ? openLocalBackend(storage.directory) : storage.backend;
  const codec: WalObjectCodec = {
    sealer: ObjectSealer.fromBytes(init.masterKey),
    systemIdentifier: toSystemIdentifier(init.systemIdentifier),
  };
  let buffer: Buffer = Buffer.alloc(0);

  const fetch = async ({ segment, target }: FetchTask): Promise<FetchResult> => {
    const file = segmentFile(segment);
    const sealed = await backend.get(ctx, walObjectName(codec.systemIdentifier, file));
    const { content } = openWalFile(codec, file, { sealed, target: buffer });
    buffer = content; // a segment: all have one size
    writeWhole(target, content);
    return { fetched: true };
  };

  return {
    run: async (task: FetchTask): Promise<FetchResult> => {
      try {
        return await fetch(task);
      } catch (error) {
        if (error instanceof Error && 'syscall' in error) return { fetched: false, code: 'file-io' };
        if (!isOperationError(error)) throw error;
        return { fetched: false, code: error.code };
      }
    },
  };
}

/** Under its name only when complete. No fsync: after a crash the spool is emptied. */
function writeWhole(path: string, content: Uint8Array): void {
  const temporary = temporaryPath(path);
  const fd = openSync(temporary, 'wx', 0o600);
  try {
    writeAllSync(fd, content);
    closeSync(fd);
    renameSync(temporary, path);
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  }
}
