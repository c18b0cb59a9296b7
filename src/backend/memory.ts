import type { Context } from '../base/context.ts';
import type { Backend, ByteRange, ObjectStat, PutOptions } from './backend.ts';
import { placeRange } from './byteRange.ts';
import { objectExists, objectMissing } from './objectErrors.ts';
import { assertObjectName, assertPrefix } from './objectName.ts';

/** Opens a new, empty backend in the memory of this process; it is gone when nobody refers to it any more. */
export function openMemoryBackend(): Backend {
  return new MemoryBackend();
}

class MemoryBackend implements Backend {
  readonly location = 'mem:';
  readonly localDirectory = undefined;
  readonly #objects = new Map<string, Buffer>();

  async put(ctx: Context, name: string, parts: Uint8Array | readonly Uint8Array[], options: PutOptions = {}) {
    assertObjectName(name);
    ctx.signal.throwIfAborted();
    if (options.ifAbsent === true && this.#objects.has(name)) throw objectExists(name);
    this.#objects.set(name, Buffer.concat(parts instanceof Uint8Array ? [parts] : parts));
  }

  async get(ctx: Context, name: string, range?: ByteRange): Promise<Buffer> {
    assertObjectName(name);
    ctx.signal.throwIfAborted();
    const object = this.#objects.get(name);
    if (object === undefined) throw objectMissing(name);
    const { offset, length } = placeRange(name, object.byteLength, range);
    return Buffer.from(object.subarray(offset, offset + length));
  }

  async stat(ctx: Context, name: string): Promise<ObjectStat | undefined> {
    assertObjectName(name);
    ctx.signal.throwIfAborted();
    const object = this.#objects.get(name);
    return object === undefined ? undefined : { name, sizeBytes: object.byteLength };
  }

  async *list(ctx: Context, prefix: string): AsyncIterable<ObjectStat> {
    assertPrefix(prefix);
    ctx.signal.throwIfAborted();
    for (const [name, object] of this.#objects) {
      if (!name.startsWith(prefix)) continue;
      yield { name, sizeBytes: object.byteLength };
      ctx.signal.throwIfAborted();
    }
  }

  async delete(ctx: Context, name: string): Promise<void> {
    assertObjectName(name);
    ctx.signal.throwIfAborted();
    this.#objects.delete(name);
  }

  async close(): Promise<void> {
    // nothing is held open
  }
}
