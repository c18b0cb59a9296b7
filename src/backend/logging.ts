import type { Context } from '../base/context.ts';
import { errorMessage } from '../base/errors.ts';
import type { Backend, ByteRange, ObjectStat, PutOptions } from './backend.ts';

/**
 * Logs the end of each operation at debug level: what, which object, bytes or objects, milliseconds, the error if any.
 */
export function withLogging(inner: Backend): Backend {
  return new LoggingBackend(inner);
}

interface Observed {
  readonly operation: string;
  readonly name: string;
}

class LoggingBackend implements Backend {
  readonly location: string;
  readonly localDirectory: string | undefined;
  readonly #inner: Backend;

  constructor(inner: Backend) {
    this.location = inner.location;
    this.localDirectory = inner.localDirectory;
    this.#inner = inner;
  }

  put(ctx: Context, name: string, parts: Uint8Array | readonly Uint8Array[], options: PutOptions = {}): Promise<void> {
    const pieces = parts instanceof Uint8Array ? [parts] : parts;
    const sizeBytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
    return observe(ctx, { operation: 'put', name }, async () => {
      await this.#inner.put(ctx, name, parts, options);
      return { value: undefined, fields: { sizeBytes } };
    });
  }

  get(ctx: Context, name: string, range?: ByteRange): Promise<Buffer> {
    return observe(ctx, { operation: 'get', name }, async () => {
      const value = await this.#inner.get(ctx, name, range);
      return { value, fields: { sizeBytes: value.byteLength } };
    });
  }

  stat(ctx: Context, name: string): Promise<ObjectStat | undefined> {
    return observe(ctx, { operation: 'stat', name }, async () => {
      const value = await this.#inner.stat(ctx, name);
      return { value, fields: { present: value !== undefined } };
    });
  }

  async *list(ctx: Context, prefix: string): AsyncIterable<ObjectStat> {
    const end = begin(ctx, { operation: 'list', name: prefix });
    let objects = 0;
    let failure = {};
    try {
      for await (const object of this.#inner.list(ctx, prefix)) {
        objects++;
        yield object;
      }
    } catch (error) {
      failure = { error: errorMessage(error) };
      throw error;
    } finally {
      end({ objects, ...failure });
    }
  }

  delete(ctx: Context, name: string): Promise<void> {
    return observe(ctx, { operation: 'delete', name }, async () => {
      await this.#inner.delete(ctx, name);
      return { value: undefined, fields: {} };
    });
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

interface Outcome<T> {
  readonly value: T;
  readonly fields: Readonly<Record<string, unknown>>;
}

async function observe<T>(ctx: Context, what: Observed, run: () => Promise<Outcome<T>>): Promise<T> {
  const end = begin(ctx, what);
  try {
    const { value, fields } = await run();
    end(fields);
    return value;
  } catch (error) {
    end({ error: errorMessage(error) });
    throw error;
  }
}

function begin(ctx: Context, what: Observed): (fields: Readonly<Record<string, unknown>>) => void {
  const startMs = ctx.clock.monotonicMs();
  return (fields) => {
    const durationMs = Math.round(ctx.clock.monotonicMs() - startMs);
    ctx.log.debug({ ...what, ...fields, durationMs }, 'storage operation');
  };
}
