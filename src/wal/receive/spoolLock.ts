import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import { OperationError, systemErrorCode } from '../../base/errors.ts';

/**
 * Keeps other receivers out of a spool directory until it is disposed or this process ends, however it ends: the kernel
 * lets go of the name of an abstract socket by itself. Where there are none (not Linux) the replication slot alone
 * keeps two receivers apart. Throws `wal-slot` when another receiver has it.
 */
export async function lockSpool(directory: string): Promise<AsyncDisposable> {
  if (process.platform !== 'linux') return { [Symbol.asyncDispose]: () => Promise.resolve() };
  const { dev, ino } = statSync(directory, { bigint: true });
  const server = createServer((connection) => connection.destroy());
  server.listen(`\0understudy-wal-spool-${dev}-${ino}`);
  try {
    await once(server, 'listening');
  } catch (cause) {
    if (systemErrorCode(cause) !== 'EADDRINUSE') throw cause;
    throw new OperationError('wal-slot', `another receiver uses the WAL spool ${directory}`, {
      hint: 'is `understudy wal receive` already running for this source? every receiver needs a spool of its own',
      detail: { directory },
    });
  }
  server.unref();
  return {
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}
