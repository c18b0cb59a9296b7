import type { Context } from '../base/context.ts';
import type { ErrorCode } from '../base/errorCodes.ts';
import { OperationError, isOperationError } from '../base/errors.ts';
import { seededRandom } from '../base/random.ts';
import type { Backend, ByteRange, ObjectStat, PutOptions } from './backend.ts';

export type OperationKind = 'put' | 'get' | 'stat' | 'list' | 'delete';

export interface ObservedOperation {
  readonly kind: OperationKind;
  /** Object name, or prefix of a listing. */
  readonly name: string;
}

/** What goes wrong, decided beforehand so that a run can be repeated. */
export interface FaultPlan {
  /** The process dies: this many puts and deletes are done, the next one and everything after it throws `Crash`. */
  readonly crash?: {
    readonly afterMutations: number;
    /**
     * Decides what a power cut leaves to chance: whether the mutation under way was done all the same, and which
     * deletes below `data/` (which nobody promised to be durable) are undone. Without a seed: it was not, and none are.
     */
    readonly seed?: number;
  };
  readonly errors?: readonly PlannedError[];
}

export interface PlannedError {
  readonly kind: OperationKind;
  /** Which operation of this kind, counted from 1. */
  readonly nth: number;
  readonly code: ErrorCode;
  /** The operation is done although it is reported as failed: its answer got lost. */
  readonly landed?: boolean;
}

/**
 * Thrown by every operation of a process that is simulated to be dead. Not an OperationError: nothing may handle it.
 */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/**
 * A backend for simulations that fails as planned, counts, and remembers what was asked of it. After a crash look at
 * what `inner` holds. A put is never torn: the contract says so, and this is what the code above may rely on.
 * It hides a local directory, so that workers write through it.
 */
export class FaultBackend implements Backend {
  readonly location: string;
  readonly localDirectory = undefined;
  readonly operations: ObservedOperation[] = [];
  readonly #inner: Backend;
  readonly #plan: FaultPlan;
  readonly #errorsToCome: Set<PlannedError>;
  readonly #counts = new Map<OperationKind, number>();
  readonly #undurablyDeleted = new Map<string, Buffer>();
  #mutations = 0;
  #crashed = false;

  constructor(inner: Backend, plan: FaultPlan = {}) {
    this.location = inner.location;
    this.#inner = inner;
    this.#plan = plan;
    this.#errorsToCome = new Set(plan.errors);
  }

  /** Puts and deletes that reached storage. */
  get mutations(): number {
    return this.#mutations;
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  /** Planned faults that never happened: a simulation whose plan is not used up has tested nothing. */
  unusedFaults(): string[] {
    const errors = [...this.#errorsToCome].map(({ kind, nth, code }) => `${code} at ${kind} ${nth}`);
    const { crash } = this.#plan;
    return crash === undefined || this.#crashed ? errors : [...errors, `crash after ${crash.afterMutations} mutations`];
  }

  async put(ctx: Context, name: string, parts: Uint8Array | readonly Uint8Array[], options: PutOptions = {}) {
    await this.#mutate(ctx, { kind: 'put', name }, async () => {
      await this.#inner.put(ctx, name, parts, options);
      this.#undurablyDeleted.delete(name);
    });
  }

  async delete(ctx: Context, name: string): Promise<void> {
    await this.#mutate(ctx, { kind: 'delete', name }, async () => {
      await this.#keepForUndo(ctx, name);
      await this.#inner.delete(ctx, name);
    });
  }

  async get(ctx: Context, name: string, range?: ByteRange): Promise<Buffer> {
    this.#beginRead({ kind: 'get', name });
    return this.#inner.get(ctx, name, range);
  }

  async stat(ctx: Context, name: string): Promise<ObjectStat | undefined> {
    this.#beginRead({ kind: 'stat', name });
    return this.#inner.stat(ctx, name);
  }

  async *list(ctx: Context, prefix: string): AsyncIterable<ObjectStat> {
    this.#beginRead({ kind: 'list', name: prefix });
    for await (const object of this.#inner.list(ctx, prefix)) {
      yield object;
      this.#requireAlive();
    }
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #beginRead(operation: ObservedOperation): void {
    const planned = this.#begin(operation);
    if (planned !== undefined) throw plannedFailure(operation, planned.code);
  }

  async #mutate(ctx: Context, operation: ObservedOperation, apply: () => Promise<void>): Promise<void> {
    ctx.signal.throwIfAborted();
    const planned = this.#begin(operation);
    if (planned !== undefined) {
      if (planned.landed === true) await this.#apply(apply);
      throw plannedFailure(operation, planned.code);
    }
    if (this.#mutations === this.#plan.crash?.afterMutations) {
      this.#crashed = true;
      await this.#leaveToChance(ctx, apply);
      throw new Crash('the simulated process is dead');
    }
    await this.#apply(apply);
  }

  async #apply(apply: () => Promise<void>): Promise<void> {
    this.#mutations++; // before it is done: of several at once, each has its number
    await apply();
  }

  #begin(operation: ObservedOperation): PlannedError | undefined {
    this.#requireAlive();
    this.operations.push(operation);
    const nth = (this.#counts.get(operation.kind) ?? 0) + 1;
    this.#counts.set(operation.kind, nth);
    const planned = [...this.#errorsToCome].find((error) => error.kind === operation.kind && error.nth === nth);
    if (planned !== undefined) this.#errorsToCome.delete(planned);
    return planned;
  }

  #requireAlive(): void {
    if (this.#crashed) throw new Crash('the simulated process is dead');
  }

  async #keepForUndo(ctx: Context, name: string): Promise<void> {
    if (this.#plan.crash?.seed === undefined || !name.startsWith('data/')) return;
    const present = await this.#inner.stat(ctx, name);
    if (present !== undefined) this.#undurablyDeleted.set(name, await this.#inner.get(ctx, name));
  }

  async #leaveToChance(ctx: Context, apply: () => Promise<void>): Promise<void> {
    const seed = this.#plan.crash?.seed;
    if (seed === undefined) return;
    const coin = seededCoin(seed);
    if (coin()) await unlessRefused(apply());
    for (const [name, content] of this.#undurablyDeleted) {
      if (coin()) await unlessRefused(this.#inner.put(ctx, name, content, { ifAbsent: true }));
    }
  }
}

async function unlessRefused(done: Promise<void>): Promise<void> {
  try {
    await done;
  } catch (error) {
    if (!isOperationError(error, 'object-exists')) throw error;
  }
}

function plannedFailure({ kind, name }: ObservedOperation, code: ErrorCode): OperationError {
  return new OperationError(code, `cannot ${kind} ${name}: planned fault`);
}

function seededCoin(seed: number): () => boolean {
  const random = seededRandom(seed);
  return () => random() < 0.5;
}
