import { constants, linkSync, unlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { temporaryPath } from '../../base/atomicFile.ts';
import type { Context } from '../../base/context.ts';
import type { LogDirectory } from './logDirectory.ts';
import { readBeginning } from './readBeginning.ts';

interface Beginning {
  readonly log: string;
  /** Name of the piece that is a copy of it. */
  readonly piece: string;
  readonly lengthBytes: number;
}

/** Whoever may write to the directory must not lead us to other files. */
const readPlain = constants.O_RDONLY | constants.O_NOFOLLOW;

/** Copies the beginning of a log into a new file with its owner and mode, which is there only once it is durable. */
export async function copyBeginning(ctx: Context, directory: LogDirectory, beginning: Beginning): Promise<void> {
  const { log, piece, lengthBytes } = beginning;
  const temporary = temporaryPath(directory.join(piece));
  await using source = await open(directory.join(log), readPlain);
  await using target = await open(temporary, 'wx', 0o600);
  const { uid, gid, mode } = await source.stat();
  for await (const bytes of readBeginning(ctx, source, lengthBytes)) await target.writeFile(bytes);
  await target.chown(uid, gid);
  await target.chmod(mode & 0o777);
  await target.sync();
  linkSync(temporary, directory.join(piece));
  unlinkSync(temporary);
  directory.sync();
}

/** Whether the piece is exactly the beginning of the log. */
export async function equalsBeginning(ctx: Context, directory: LogDirectory, beginning: Beginning): Promise<boolean> {
  const { log, piece, lengthBytes } = beginning;
  if (directory.stat(piece)?.size !== BigInt(lengthBytes)) return false;
  await using source = await open(directory.join(log), readPlain);
  await using copy = await open(directory.join(piece), readPlain);
  const copied = readBeginning(ctx, copy, lengthBytes);
  for await (const bytes of readBeginning(ctx, source, lengthBytes)) {
    const { value } = await copied.next();
    if (value === undefined || !bytes.equals(value)) return false;
  }
  return true;
}
