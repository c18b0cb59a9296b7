import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import { systemErrorCode } from './errors.ts';

/**
 * Keeps other processes of this machine out of a directory until it is disposed or this process ends, however it ends:
 * the kernel lets go of the name of an abstract socket by itself. Undefined when another process has it. Where there
 * are no such sockets (not Linux) nobody is kept out. `purpose` tells apart what the same directory is locked for.
 */
export async function lockDirectory(directory: string, purpose: string): Promise<AsyncDisposable | undefined> {
  if (process.platform !== 'linux') return { [Symbol.asyncDispose]: () => Promise.resolve() };
  const { dev, ino } = statSync(directory, { bigint: true });
  const server = createServer((connection) => connection.destroy());
  server.listen(`\0understudy-${purpose}-${dev}-${ino}`);
  try {
    await once(server, 'listening');
  } catch (cause) {
    if (systemErrorCode(cause) === 'EADDRINUSE') return undefined;
    throw cause;
  }
  server.unref();
  return {
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}
