import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { errorCodes, type ErrorCode } from './errorCodes.ts';
import { InvariantError, OperationError, assert, isOperationError } from './errors.ts';

/** What a kernel gets from the thread it runs in. */
export interface KernelHost {
  /** Sends a message to the pool's `onMessage`. Listed buffers are transferred when threads are used. */
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  /** Numbers the kernel counts up for progress; read by the pool's owner at any time. */
  readonly counters: Float64Array;
  /** True once the pool is aborted; long loops look at it. */
  aborted(): boolean;
}

/** The work of one thread: it runs one task at a time to its end. */
export interface Kernel {
  run(task: never): Promise<unknown>;
}

/** A module that a pool loads in every thread. */
export interface KernelModule {
  createKernel(init: never, host: KernelHost): Kernel | Promise<Kernel>;
}

export interface WorkerPoolOptions {
  /** URL of a module with `createKernel`; build it with `moduleUrl` so that it holds for `.ts` and `.js`. */
  readonly module: URL;
  /** Number of threads; 0 runs one kernel in this thread (tests, simulated storage). */
  readonly threads: number;
  /** Structured-cloneable start-up data; with 0 threads it is passed as it is. */
  readonly init: unknown;
  readonly onMessage?: (message: never) => void;
  readonly signal: AbortSignal;
}

const countersPerKernel = 8;

/**
 * Kernels make small buffers by the hundred thousand, whose memory is outside of V8's heap and free again only after
 * the next scavenge: the more room for young objects, the more of it waits (at V8's default 40 MB a thread).
 */
const youngGenerationMb = 6;

interface Reply {
  readonly kind: 'done' | 'failed' | 'message' | 'ready';
  readonly value?: unknown;
}

interface Lane {
  run(task: unknown, transfer: readonly ArrayBuffer[]): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Threads that each run the same kernel. `runOnAll` lets all of them eat from one shared job list; `runOnAny` gives one
 * task to the next idle one. The first failure ends the pool: every later call rejects with it.
 */
export class WorkerPool implements AsyncDisposable {
  readonly size: number;
  readonly #counters: Float64Array;
  readonly #abortFlag: Int32Array;
  #lanes: Lane[] = [];
  #idle: Lane[] = [];
  readonly #waiting: ((lane: Lane) => void)[] = [];

  private constructor(size: number) {
    this.size = size;
    this.#counters = new Float64Array(new SharedArrayBuffer(size * countersPerKernel * 8));
    this.#abortFlag = new Int32Array(new SharedArrayBuffer(4));
  }

  static async open(options: WorkerPoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(Math.max(1, options.threads));
    const abort = (): void => void Atomics.store(pool.#abortFlag, 0, 1);
    if (options.signal.aborted) abort();
    options.signal.addEventListener('abort', abort, { once: true });
    try {
      pool.#lanes = await Promise.all(
        Array.from({ length: pool.size }, (_, index) => {
          const shared = { counters: pool.#counters.buffer, index, abortFlag: pool.#abortFlag.buffer };
          return options.threads === 0 ? openInline(options, shared) : openThread(options, shared);
        }),
      );
    } catch (error) {
      await pool[Symbol.asyncDispose]();
      throw error;
    }
    pool.#idle = [...pool.#lanes];
    return pool;
  }

  /** Sum over all kernels of one progress counter. */
  counter(index: number): number {
    let sum = 0;
    for (let kernel = 0; kernel < this.size; kernel++) sum += this.#counters[kernel * countersPerKernel + index]!;
    return sum;
  }

  /** Runs the same task in every thread; waits for all of them, also when one fails. */
  async runOnAll<R>(task: unknown): Promise<R[]> {
    assert(this.#lanes.length === this.size, 'a pool that is closed runs nothing');
    const results = await Promise.allSettled(this.#lanes.map((lane) => this.#guarded(lane, task, [])));
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    // one failure stops the other threads, and those report only that
    if (failures.length > 0) throw failures.find((reason) => !isOperationError(reason, 'interrupted')) ?? failures[0];
    return results.map((result) => (result as PromiseFulfilledResult<unknown>).value as R);
  }

  /** Runs a task in one thread, waiting for an idle one first. */
  async runOnAny<R>(task: unknown, transfer: readonly ArrayBuffer[] = []): Promise<R> {
    const lane = this.#idle.pop() ?? (await new Promise<Lane>((resolve) => this.#waiting.push(resolve)));
    try {
      return (await this.#guarded(lane, task, transfer)) as R;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(lane);
      else next(lane);
    }
  }

  async #guarded(lane: Lane, task: unknown, transfer: readonly ArrayBuffer[]): Promise<unknown> {
    try {
      return await lane.run(task, transfer);
    } catch (error) {
      Atomics.store(this.#abortFlag, 0, 1);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    Atomics.store(this.#abortFlag, 0, 1);
    await Promise.all(this.#lanes.splice(0).map((lane) => lane.close()));
  }
}

/** URL of a sibling module under the extension that this run uses (`.ts` in development, `.js` when built). */
export function moduleUrl(relative: string, importMeta: { url: string; filename: string }): URL {
  return new URL(relative + extname(importMeta.filename), importMeta.url);
}

/** Threads to use when nothing is configured: one a core. */
export const defaultThreadCount = availableParallelism;

interface LaneShared {
  readonly counters: ArrayBufferLike;
  readonly index: number;
  readonly abortFlag: ArrayBufferLike;
}

/** View of the shared state that one kernel works with; also used by the thread's entry module. */
export function kernelHost(shared: LaneShared, post: KernelHost['post']): KernelHost {
  const abortFlag = new Int32Array(shared.abortFlag as SharedArrayBuffer);
  return {
    post,
    counters: new Float64Array(
      shared.counters as SharedArrayBuffer,
      shared.index * countersPerKernel * 8,
      countersPerKernel,
    ),
    aborted: () => Atomics.load(abortFlag, 0) !== 0,
  };
}

async function openInline(options: WorkerPoolOptions, shared: LaneShared): Promise<Lane> {
  const module = (await import(options.module.href)) as KernelModule;
  const host = kernelHost(shared, (message) => options.onMessage?.(message as never));
  const kernel = await module.createKernel(options.init as never, host);
  return { run: (task) => kernel.run(task as never), close: () => Promise.resolve() };
}

/**
 * V8 may abort the process when threads recompile, at the same moment, the wrappers of JavaScript functions that their
 * WebAssembly calls often (`Check failed: jit_page.has_value()`, nodejs/node#64500); Node's own type stripping is such
 * WebAssembly. Without recompiling they are as fast as we need them.
 */
function keepWebAssemblyWrappers(): void {
  setFlagsFromString('--wasm-wrapper-tiering-budget=2147483647');
}

async function openThread(options: WorkerPoolOptions, shared: LaneShared): Promise<Lane> {
  keepWebAssemblyWrappers();
  const worker = new Worker(moduleUrl('./workerThread', import.meta), {
    resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
    workerData: { module: options.module.href, init: options.init, shared },
  });
  let settle: { resolve: (value: unknown) => void; reject: (error: unknown) => void } | undefined;
  let dead: Error | undefined;
  const next = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (dead !== undefined) reject(dead);
      else settle = { resolve, reject };
    });
  const fail = (error: Error): void => {
    dead ??= error;
    settle?.reject(dead);
    settle = undefined;
  };
  worker.on('message', (reply: Reply) => {
    if (reply.kind === 'message') {
      options.onMessage?.(reply.value as never);
      return;
    }
    const waiting = settle;
    settle = undefined;
    if (reply.kind === 'failed') waiting?.reject(deserializeError(reply.value));
    else waiting?.resolve(reply.value);
  });
  worker.on('error', fail);
  worker.on('exit', (code) =>
    fail(new InvariantError(`a worker thread of ${fileURLToPath(options.module)} ended (${code})`)),
  );
  await next();
  return {
    run: (task, transfer) => {
      assert(settle === undefined, 'a thread runs one task at a time');
      const result = next();
      if (dead === undefined) worker.postMessage(task, [...transfer]);
      return result;
    },
    close: async () => {
      dead ??= new InvariantError('the worker pool is closed');
      await worker.terminate();
    },
  };
}

/** Makes an error cross a thread or process border. */
export function serializeError(error: unknown): unknown {
  if (error instanceof OperationError) {
    const { code, message, hint, detail } = error;
    return { code, message, hint, detail };
  }
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** The error that `serializeError` took apart, on the other side of a thread or process border. */
export function deserializeError(value: unknown): Error {
  const { code, message, hint, detail } = value as {
    code?: string;
    message: string;
    hint?: string;
    detail?: Record<string, unknown>;
  };
  if (code === undefined || !(code in errorCodes)) return new InvariantError(message);
  return new OperationError(code as ErrorCode, message, {
    ...(hint === undefined ? {} : { hint }),
    detail: detail ?? {},
  });
}
