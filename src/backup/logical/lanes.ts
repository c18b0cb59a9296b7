import { forEachConcurrently } from '../../base/concurrency.ts';
import type { Context } from '../../base/context.ts';

/** As `forEachConcurrently`, and the first failure ends the work that is under way at once. */
export async function forEachUntilFailure<T>(
  ctx: Context,
  { items, limit }: { readonly items: Iterable<T>; readonly limit: number },
  work: (ctx: Context, item: T) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const inner = { ...ctx, signal: AbortSignal.any([ctx.signal, failed.signal]) };
  await forEachConcurrently(items, limit, async (item) => {
    try {
      await work(inner, item);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  });
}

/** Things that are used by one at a time, made when none is free. After a failure a thing is not used again. */
export class Pool<T> {
  readonly #free: T[] = [];
  readonly #make: () => T | Promise<T>;

  constructor(make: () => T | Promise<T>) {
    this.#make = make;
  }

  async use<R>(work: (thing: T) => Promise<R>): Promise<R> {
    const thing = this.#free.pop() ?? (await this.#make());
    const result = await work(thing);
    this.#free.push(thing);
    return result;
  }
}
