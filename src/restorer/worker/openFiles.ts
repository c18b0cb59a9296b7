import { closeSync, constants, fstatSync, ftruncateSync, openSync } from 'node:fs';
import type { Posix } from '../../base/posix.ts';
import { addState, stateSized, type Content } from '../content.ts';
import { onDestination } from '../destinationErrors.ts';

/** Files that one thread keeps open for writing. */
const maxOpen = 64;
/** Bytes after which the kernel is told to begin writing a file to disk, while we go on. */
const writebackBytes = 8 * 1024 * 1024;

export interface OpenFile {
  readonly fd: number;
  readonly path: string;
  dirtyBytes: number;
}

/** Opens files for writing as they are needed: created private, sized at once, never through a symbolic link. */
export class OpenFiles {
  readonly #content: Content;
  readonly #posix: Posix | undefined;
  readonly #files = new Map<number, OpenFile>();

  constructor(content: Content, posix: Posix | undefined) {
    this.#content = content;
    this.#posix = posix;
  }

  open(file: number): OpenFile {
    const found = this.#files.get(file);
    if (found !== undefined) return found;
    if (this.#files.size >= maxOpen) this.#closeOldest();
    const path = this.#content.paths[file]!;
    const opened = { fd: openSized(this.#content, file), path, dirtyBytes: 0 };
    this.#files.set(file, opened);
    return opened;
  }

  wrote(file: OpenFile, bytes: number): void {
    file.dirtyBytes += bytes;
    if (file.dirtyBytes >= writebackBytes) this.#startWriteback(file);
  }

  close(): void {
    while (this.#files.size > 0) this.#closeOldest();
  }

  #closeOldest(): void {
    const [number, file] = this.#files.entries().next().value!;
    this.#files.delete(number);
    closeSync(file.fd);
  }

  #startWriteback(file: OpenFile): void {
    file.dirtyBytes = 0;
    onDestination('write', file.path, () => this.#posix?.startWriteback(file.fd, 0, 0));
  }
}

/** Opens a file of the restore for writing, creating it where it is missing, and gives it its size. */
export function openSized(content: Content, file: number): number {
  const path = content.paths[file]!;
  return onDestination('write', path, () => {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const fd = openSync(Buffer.from(path, 'latin1'), flags, 0o600);
    if ((Atomics.load(content.states, file) & stateSized) !== 0) return fd;
    try {
      if (fstatSync(fd).size !== content.sizes[file]) ftruncateSync(fd, content.sizes[file]);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    addState(content, file, stateSized);
    return fd;
  });
}
