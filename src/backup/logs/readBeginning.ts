import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { Context } from '../../base/context.ts';

/** How files here are opened: whoever may write to the directory must not lead us to others, or make us wait. */
export const plainFile = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

const readBytes = 1024 * 1024;

/** The first `lengthBytes` of a file, or all when it is shorter; all buffers but the last are of one size. */
export async function* readBeginning(ctx: Context, file: FileHandle, lengthBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < lengthBytes;) {
    ctx.signal.throwIfAborted();
    const wanted = Math.min(readBytes, lengthBytes - at);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}
