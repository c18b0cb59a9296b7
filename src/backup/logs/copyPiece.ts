import { linkSync, unlinkSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { temporaryPath } from '../../base/atomicFile.ts';
import type { Context } from '../../base/context.ts';
import type { LogDirectory } from './logDirectory.ts';
import { plainFile, readBeginning } from './readBeginning.ts';

interface Beginning {
  readonly log: string;
  /** Name of the piece that is a copy of it. */
  readonly piece: string;
  readonly lengthBytes: number;
}

/**
 * Copies the beginning of a log into a new file with its owner and mode, which is there only once it is durable. False,
 * and there is no new file, when the log is shorter by now: somebody else shortened it.
 */
export async function copyBeginning(ctx: Context, directory: LogDirectory, beginning: Beginning): Promise<boolean> {
  const { log, piece } = beginning;
  const temporary = temporaryPath(directory.join(piece));
  await using source = await open(directory.join(log), plainFile);
  await using target = await open(temporary, 'wx', 0o600);
  try {
    const isWhole = await copyInto(ctx, { source, target }, beginning.lengthBytes);
    if (isWhole) linkSync(temporary, directory.join(piece));
    return isWhole;
  } finally {
    unlinkSync(temporary);
    directory.sync();
  }
}

async function copyInto(
  ctx: Context,
  { source, target }: { readonly source: FileHandle; readonly target: FileHandle },
  lengthBytes: number,
): Promise<boolean> {
  const { uid, gid, mode } = await source.stat();
  let copiedBytes = 0;
  for await (const bytes of readBeginning(ctx, source, lengthBytes)) {
    await target.writeFile(bytes);
    copiedBytes += bytes.length;
  }
  await target.chown(uid, gid);
  await target.chmod(mode & 0o777);
  await target.sync();
  return copiedBytes === lengthBytes;
}

/** Whether the piece is exactly the beginning of the log. */
export async function equalsBeginning(ctx: Context, directory: LogDirectory, beginning: Beginning): Promise<boolean> {
  const { log, piece, lengthBytes } = beginning;
  if (directory.stat(piece)?.size !== BigInt(lengthBytes)) return false;
  await using source = await open(directory.join(log), plainFile);
  await using copy = await open(directory.join(piece), plainFile);
  const copied = readBeginning(ctx, copy, lengthBytes);
  for await (const bytes of readBeginning(ctx, source, lengthBytes)) {
    const { value } = await copied.next();
    if (value === undefined || !bytes.equals(value)) return false;
  }
  return true;
}
