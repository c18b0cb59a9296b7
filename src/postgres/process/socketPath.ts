import { OperationError } from '../../base/errors.ts';

/** sun_path has 104 bytes on macOS and 108 on Linux, one of them for the end. Node silently cuts what is longer. */
const maxSocketPathBytes = 103;

/** Throws `usage` for a path that is too long for a Unix socket. */
export function assertSocketPath(path: string): void {
  if (Buffer.byteLength(path) <= maxSocketPathBytes) return;
  throw new OperationError('usage', `this path is too long for a Unix socket: ${path}`, {
    hint: `choose a directory with a shorter path: the system allows ${maxSocketPathBytes} bytes in all`,
    detail: { path, maxSocketPathBytes },
  });
}
