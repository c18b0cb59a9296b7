import type { Context } from '../../base/context.ts';
import { createContext } from '../../base/context.ts';
import type { Kernel, KernelHost } from '../../base/workerPool.ts';
import type { Backend } from '../../backend/backend.ts';
import { BlobTable, type SharedBlobTable } from '../blobTable.ts';
import { masterKeyFromBytes } from '../crypto/masterKey.ts';
import { Sealer } from '../crypto/sealer.ts';
import { ZstdCompressor, type Compression } from '../crypto/zstd.ts';
import type { ReadBack } from '../pack/packBuilder.ts';
import { BackendPackSink, LocalPackSink, type PackSink } from '../pack/packSink.ts';
import { PackWriter } from '../pack/packWriter.ts';
import type { RangePlan } from '../rangePlan.ts';
import type { StoreState } from './storeState.ts';
import { storeBuffer, type BufferTask } from './storeBuffer.ts';
import { storeFiles, type FilesTask } from './storeFiles.ts';
import { storeRanges } from './storeRanges.ts';

export interface StoreKernelInit {
  /** 64 bytes; see `masterKeyToBytes`. */
  readonly masterKey: Uint8Array;
  readonly compression: Compression;
  readonly targetBytes: number;
  readonly readBack: ReadBack;
  readonly table: SharedBlobTable;
  /** One shared counter: the number of the next pack. */
  readonly packCounter: SharedArrayBuffer;
  /** Polynomial of the content-defined chunker. */
  readonly polynomial: bigint;
  /** A local repository's directory, or (in-process only) a backend. */
  readonly storage: { readonly directory: string } | { readonly backend: Backend; readonly ctx: Context };
}

export type StoreTask =
  | { readonly kind: 'ranges'; readonly plan: RangePlan }
  | ({ readonly kind: 'files' } & FilesTask)
  | ({ readonly kind: 'buffer' } & BufferTask)
  | { readonly kind: 'flush' };

/** Entry of the data plane: read, hash, deduplicate, compress, seal, write, all in this thread. */
export function createKernel(init: StoreKernelInit, host: KernelHost): Kernel {
  const table = BlobTable.attach(init.table);
  const counter = new Int32Array(init.packCounter);
  const writer = new PackWriter(
    {
      type: 'data',
      sealer: new Sealer(masterKeyFromBytes(Buffer.from(init.masterKey))),
      compressor: init.compression === 'off' ? undefined : new ZstdCompressor(init.compression),
      table,
      targetBytes: init.targetBytes,
      readBack: init.readBack,
      nextPackNumber: () => Atomics.add(counter, 0, 1),
    },
    openSink(init.storage),
    (pack) => host.post(pack, []),
  );
  const state: StoreState = { table, writer, host, polynomial: init.polynomial };
  const dispatch = (task: StoreTask): Promise<unknown> => {
    switch (task.kind) {
      case 'ranges':
        return storeRanges(state, task.plan);
      case 'files':
        return storeFiles(state, task);
      case 'buffer':
        return storeBuffer(state, task);
      case 'flush':
        return writer.flush();
    }
  };
  return {
    run: async (task: StoreTask): Promise<unknown> => {
      try {
        return await dispatch(task);
      } catch (error) {
        // the thread may be ended now: no pack may be left half written
        await writer.settle();
        throw error;
      }
    },
  };
}

function openSink(storage: StoreKernelInit['storage']): PackSink {
  if ('directory' in storage) return new LocalPackSink(storage.directory);
  return new BackendPackSink(createContext(storage.ctx), storage.backend);
}
