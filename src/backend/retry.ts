import type { Context } from '../base/context.ts';
import { errorMessage, isOperationError } from '../base/errors.ts';
import { beginBackoff, retry, type Backoff, type RetryPolicy } from '../base/retry.ts';
import type { Backend, ByteRange, ObjectStat, PutOptions } from './backend.ts';

/**
 * Tries operations again that failed with a transient error (the `retry` column of the table of error codes).
 *
 * A `put` with `ifAbsent` may have landed although its answer got lost; its next try then finds the object there. If
 * that holds exactly our bytes we have won; two writers of the same bytes both win, which is what "identical" means.
 */
export function withRetry(inner: Backend, policy: RetryPolicy): Backend {
  return new RetryingBackend(inner, policy);
}

class RetryingBackend implements Backend {
  readonly location: string;
  readonly localDirectory: string | undefined;
  readonly #inner: Backend;
  readonly #policy: RetryPolicy;

  constructor(inner: Backend, policy: RetryPolicy) {
    this.location = inner.location;
    this.localDirectory = inner.localDirectory;
    this.#inner = inner;
    this.#policy = policy;
  }

  async put(ctx: Context, name: string, parts: Uint8Array | readonly Uint8Array[], options: PutOptions = {}) {
    let tries = 0;
    await retry(this.#backoff(ctx, 'put', name), async () => {
      tries++;
      try {
        await this.#inner.put(ctx, name, parts, options);
      } catch (error) {
        const mayBeOurs = tries > 1 && isOperationError(error, 'object-exists');
        if (!mayBeOurs || !(await this.#holds(ctx, name, parts))) throw error;
      }
    });
  }

  get(ctx: Context, name: string, range?: ByteRange): Promise<Buffer> {
    return retry(this.#backoff(ctx, 'get', name), () => this.#inner.get(ctx, name, range));
  }

  stat(ctx: Context, name: string): Promise<ObjectStat | undefined> {
    return retry(this.#backoff(ctx, 'stat', name), () => this.#inner.stat(ctx, name));
  }

  /**
   * A listing that breaks off begins anew, and leaves out what it has told already. Each bit of progress renews its
   * time.
   */
  async *list(ctx: Context, prefix: string): AsyncIterable<ObjectStat> {
    const told = new Set<string>();
    let backoff = this.#backoff(ctx, 'list', prefix);
    for (;;) {
      const toldBefore = told.size;
      try {
        for await (const object of this.#inner.list(ctx, prefix)) {
          if (told.has(object.name)) continue;
          told.add(object.name);
          yield object;
        }
        return;
      } catch (error) {
        if (told.size > toldBefore) backoff = this.#backoff(ctx, 'list', prefix);
        await backoff.wait(error);
      }
    }
  }

  delete(ctx: Context, name: string): Promise<void> {
    return retry(this.#backoff(ctx, 'delete', name), () => this.#inner.delete(ctx, name));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #holds(ctx: Context, name: string, parts: Uint8Array | readonly Uint8Array[]): Promise<boolean> {
    try {
      const stored = await this.#inner.get(ctx, name);
      return stored.equals(Buffer.concat(parts instanceof Uint8Array ? [parts] : parts));
    } catch (error) {
      if (isOperationError(error, 'object-missing')) return false;
      throw error;
    }
  }

  #backoff(ctx: Context, operation: string, name: string): Backoff {
    return beginBackoff(ctx, this.#policy, (error, delayMs) => {
      ctx.log.warn(
        { operation, name, delayMs: Math.round(delayMs), error: errorMessage(error) },
        'storage operation failed, trying again',
      );
    });
  }
}
