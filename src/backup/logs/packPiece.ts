import { unlinkSync } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { temporaryPath } from '../../base/atomicFile.ts';
import type { Context } from '../../base/context.ts';
import { refuseLittleSpace } from './freeSpace.ts';
import { plainFile, readBeginning } from './readBeginning.ts';
import type { LogDirectory } from './logDirectory.ts';
import { packedSuffix, type Piece } from './pieceName.ts';

/** Replaces a piece that the repository has by a packed one, which zless reads. */
export async function packPiece(ctx: Context, directory: LogDirectory, { name }: Piece): Promise<void> {
  const packed = name + packedSuffix;
  await transform(ctx, directory, { from: name, to: packed, through: createGzip() });
  unlinkSync(directory.join(name));
  directory.sync();
}

/** Puts an unpacked piece beside a packed one that the repository does not have. Throws `file-io` for lack of space. */
export async function unpackPiece(ctx: Context, directory: LogDirectory, { name }: Piece): Promise<void> {
  await refuseLittleSpace(directory, name, await unpackedBytes(directory.join(name + packedSuffix)));
  await transform(ctx, directory, { from: name + packedSuffix, to: name, through: createGunzip() });
}

/** As gzip notes it behind what it packed, modulo 4 GiB: at least that, and at least what it is packed. */
async function unpackedBytes(path: string): Promise<number> {
  await using packed = await open(path, plainFile);
  const { size } = await packed.stat();
  const trailer = Buffer.alloc(4);
  await packed.read(trailer, 0, trailer.length, Math.max(0, size - trailer.length));
  return Math.max(size, trailer.readUInt32LE(0));
}

/** Writes the target so that it is absent or complete, with owner, mode and times of the original. */
async function transform(
  ctx: Context,
  directory: LogDirectory,
  { from, to, through }: { readonly from: string; readonly to: string; readonly through: Transform },
): Promise<void> {
  const temporary = temporaryPath(directory.join(to));
  await using source = await open(directory.join(from), plainFile);
  await using target = await open(temporary, 'wx', 0o600);
  try {
    const write = async (bytes: AsyncIterable<Buffer>): Promise<void> => {
      for await (const piece of bytes) await target.writeFile(piece);
    };
    await pipeline(readBeginning(ctx, source, Infinity), through, write);
    const { uid, gid, mode, atime, mtime } = await source.stat();
    await target.chown(uid, gid);
    await target.chmod(mode & 0o777);
    await target.utimes(atime, mtime);
    await target.sync();
    await rename(temporary, directory.join(to));
  } catch (error) {
    await unlink(temporary);
    throw error;
  }
  directory.sync();
}
