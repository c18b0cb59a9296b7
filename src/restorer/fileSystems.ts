import { closeSync, constants, fstatSync, fsyncSync, openSync } from 'node:fs';
import type { Posix } from '../base/posix.ts';
import { bytesOf } from './existingEntries.ts';
import { onDestination } from './destinationErrors.ts';

/**
 * The file systems that a restore writes to. One directory of each is held open from before the first write: syncing
 * the file system through it then also reports a write that failed in the background meanwhile.
 */
export class FileSystems implements Disposable {
  readonly #posix: Posix;
  readonly #open = new Map<number, { fd: number; path: string }>();

  constructor(posix: Posix) {
    this.#posix = posix;
  }

  /** Takes note of a directory that will be written to. */
  add(directory: string): void {
    onDestination('open', directory, () => {
      const fd = openSync(bytesOf(directory), constants.O_RDONLY | constants.O_DIRECTORY);
      const { dev } = fstatSync(fd);
      if (this.#open.has(dev)) closeSync(fd);
      else this.#open.set(dev, { fd, path: directory });
    });
  }

  /** Makes everything that was written to them durable. */
  sync(): void {
    for (const { fd, path } of this.#open.values()) {
      onDestination('sync the file system of', path, () => this.#posix.syncFileSystem(fd));
    }
  }

  [Symbol.dispose](): void {
    for (const { fd } of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }
}

/** Makes the names in a directory durable. Path is latin1 text. */
export function syncNames(directory: string): void {
  onDestination('sync', directory, () => {
    const fd = openSync(bytesOf(directory), constants.O_RDONLY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  });
}
