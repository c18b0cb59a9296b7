import { isOperationError } from '../../../base/errors.ts';
import { serializeError, type Kernel } from '../../../base/workerPool.ts';
import { toSystemIdentifier } from '../../../postgres/systemIdentifier.ts';
import type { WalFileName } from '../../../postgres/walFileName.ts';
import { ObjectSealer } from '../../../repository/sealedObject.ts';
import { sealWalFile } from '../../walObject.ts';
import type { FileIdentity } from '../acknowledgement.ts';
import { readWalFile, sizeOfFile } from '../readWalFile.ts';
import { stageObject, type StagedObject } from '../stagedObject.ts';

export interface PushKernelInit {
  /** See `exportMasterKey`. */
  readonly masterKey: Uint8Array;
  readonly systemIdentifier: bigint;
  /** Directory of the local repository. */
  readonly directory: string;
}

export interface PushTask {
  readonly path: string;
}

/** A file of pg_wal that waits to become visible. */
export interface StagedFile {
  readonly file: WalFileName;
  readonly staged: StagedObject;
  readonly identity: FileIdentity;
}

/** Failures of one file are values: they must not end the thread. */
export type PushResult = { readonly value: StagedFile } | { readonly failure: unknown };

/** Reads, checks, hashes, compresses, seals, and writes durably under a temporary name; all in this thread. */
export function createKernel(init: PushKernelInit): Kernel {
  const sealer = ObjectSealer.fromBytes(init.masterKey);
  const codec = { sealer, systemIdentifier: toSystemIdentifier(init.systemIdentifier) };
  let buffer = Buffer.alloc(0);

  const stage = (path: string): StagedFile => {
    const sizeBytes = sizeOfFile(path);
    if (sizeBytes > buffer.length) buffer = Buffer.alloc(sizeBytes);
    const { file, content, identity } = readWalFile(path, buffer);
    const { objectName, sealed } = sealWalFile(codec, file, content);
    return { file, identity, staged: stageObject(init.directory, objectName, sealed) };
  };

  return {
    run: async ({ path }: PushTask): Promise<PushResult> => {
      try {
        return { value: stage(path) };
      } catch (error) {
        if (!isOperationError(error)) throw error;
        return { failure: serializeError(error) };
      }
    },
  };
}
