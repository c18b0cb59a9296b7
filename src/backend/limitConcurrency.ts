import type { Context } from '../base/context.ts';
import { Limit } from '../base/limit.ts';
import type { Backend, ByteRange, ObjectStat, PutOptions } from './backend.ts';

/**
 * Lets at most `maxActive` operations run at once. A listing counts only while it fetches, not while its reader thinks.
 */
export function withConcurrencyLimit(inner: Backend, maxActive: number): Backend {
  return new LimitedBackend(inner, new Limit(maxActive));
}

class LimitedBackend implements Backend {
  readonly location: string;
  readonly localDirectory: string | undefined;
  readonly #inner: Backend;
  readonly #limit: Limit;

  constructor(inner: Backend, limit: Limit) {
    this.location = inner.location;
    this.localDirectory = inner.localDirectory;
    this.#inner = inner;
    this.#limit = limit;
  }

  put(ctx: Context, name: string, parts: Uint8Array | readonly Uint8Array[], options: PutOptions = {}): Promise<void> {
    return this.#limit.run(ctx.signal, () => this.#inner.put(ctx, name, parts, options));
  }

  get(ctx: Context, name: string, range?: ByteRange): Promise<Buffer> {
    return this.#limit.run(ctx.signal, () => this.#inner.get(ctx, name, range));
  }

  stat(ctx: Context, name: string): Promise<ObjectStat | undefined> {
    return this.#limit.run(ctx.signal, () => this.#inner.stat(ctx, name));
  }

  async *list(ctx: Context, prefix: string): AsyncIterable<ObjectStat> {
    const objects = this.#inner.list(ctx, prefix)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const step = await this.#limit.run(ctx.signal, () => objects.next());
        if (step.done === true) return;
        yield step.value;
      }
    } finally {
      await objects.return?.();
    }
  }

  delete(ctx: Context, name: string): Promise<void> {
    return this.#limit.run(ctx.signal, () => this.#inner.delete(ctx, name));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
