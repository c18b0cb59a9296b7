import { readFileSync } from 'node:fs';
import type { Context } from '../../base/context.ts';
import { OperationError, systemErrorCode } from '../../base/errors.ts';
import { controlFileBytes, parseControlFile, type ControlFile } from '../../postgres/controlFile.ts';

const attempts = 100;
const pauseMs = 10;

/** Reads global/pg_control of a running server: a read may meet a write, so it is read again until its CRC is right. */
export async function copyControlFile(ctx: Context, path: Buffer): Promise<{ bytes: Buffer; control: ControlFile }> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const bytes = readOrExplain(path);
    const read = parseControlFile(bytes);
    if (read.state === 'sound' && bytes.length === controlFileBytes) return { bytes, control: read.controlFile };
    await ctx.clock.sleep(pauseMs, ctx.signal);
  }
  throw new OperationError('file-io', `${path.toString()} has a wrong checksum`, {
    hint: 'the control file of the running server is damaged: does `pg_controldata` read it?',
  });
}

function readOrExplain(path: Buffer): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const system = systemErrorCode(cause);
    if (system === 'ENOENT' || system === 'ENOTDIR') {
      throw new OperationError('file-missing', `${path.toString()} does not exist`, {
        hint: 'is this the data directory, and does the server run on this machine? method stream needs no files',
        cause,
      });
    }
    const denied = system === 'EACCES' || system === 'EPERM';
    throw new OperationError(denied ? 'file-denied' : 'file-io', `cannot read ${path.toString()}: ${system}`, {
      ...(denied ? { hint: 'run as the operating system user of the server, or as root; or use method stream' } : {}),
      cause,
    });
  }
}
