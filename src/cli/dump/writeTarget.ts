import { open, unlink, link, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory, temporaryPath } from '../../base/atomicFile.ts';
import { errorMessage, OperationError, systemErrorCode } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';

/**
 * Writes a file that does not exist yet: under a temporary name, made durable, then put in place. Throws
 * `destination-not-empty`, `destination-full`, `destination-io`; nothing is left behind then.
 */
export async function writeTarget(path: string, content: AsyncIterable<Buffer>, progress: Progress): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    await using file = await open(temporary, 'wx', 0o600);
    await writeAll(file, content, progress);
    await file.sync();
    await link(temporary, path); // unlike a rename it never replaces
    syncDirectory(dirname(path));
  } catch (error) {
    throw targetError(path, error);
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}

async function writeAll(file: FileHandle, content: AsyncIterable<Buffer>, progress: Progress): Promise<void> {
  for await (const bytes of content) {
    await file.writeFile(bytes);
    progress.advance({ bytes: bytes.length });
  }
}

function targetError(path: string, error: unknown): unknown {
  const code = systemErrorCode(error);
  if (code === undefined || error instanceof OperationError) return error;
  if (code === 'EEXIST') {
    return new OperationError('destination-not-empty', `${path} exists already`, {
      hint: 'choose another name, or remove it first',
      cause: error,
    });
  }
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new OperationError(
    full ? 'destination-full' : 'destination-io',
    `cannot write ${path}: ${errorMessage(error)}`,
    {
      hint: full
        ? 'free space there, or choose another place'
        : 'does the directory exist, and may this user write there?',
      cause: error,
    },
  );
}
