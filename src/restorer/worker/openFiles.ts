import { chmodSync, closeSync, constants, fchmodSync, fstatSync, ftruncateSync, lstatSync, openSync } from 'node:fs';
import type { Posix } from '../../base/posix.ts';
import { systemErrorCode } from '../../base/errors.ts';
import { addState, stateExisted, stateSized, type Content } from '../content.ts';
import { onDestination } from '../destinationErrors.ts';

/** Files that one thread keeps open for writing. */
const maxOpen = 64;
/** Bytes after which the kernel is told to begin writing a file to disk, while we go on. */
const writebackBytes = 8 * 1024 * 1024;
/** Smaller files go through the page cache. */
const directFileBytes = 1024 * 1024;

const writeFlags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Nobody else may look at what is half restored. */
const unfinishedMode = 0o600;

export interface OpenFile {
  readonly fd: number;
  readonly path: string;
  /** A second descriptor for writes past the page cache; -1 where there are none. */
  directFd: number;
  /** Direct writes under way. */
  inFlight: number;
  /** To be closed when the last of them ends. */
  closing: boolean;
  dirtyBytes: number;
}

/** How files are written: `durable` ones will be synced, so they go to disk early and past the page cache. */
export interface WriteMode {
  readonly durable: boolean;
  readonly posix: Posix | undefined;
}

/** Opens files for writing as they are needed: created private, sized at once, never through a symbolic link. */
export class OpenFiles {
  readonly #content: Content;
  readonly #mode: WriteMode;
  readonly #files = new Map<number, OpenFile>();

  constructor(content: Content, mode: WriteMode) {
    this.#content = content;
    this.#mode = mode;
  }

  open(file: number): OpenFile {
    const found = this.#files.get(file);
    if (found !== undefined) return found;
    if (this.#files.size >= maxOpen) this.#closeOldest();
    const path = this.#content.paths[file]!;
    const fd = openSized(this.#content, file);
    if ((this.#content.states[file]! & stateExisted) !== 0) makePrivate(path, fd);
    const direct = this.#mode.durable && this.#content.sizes[file]! >= directFileBytes;
    const directFd = direct ? openDirect(path) : -1;
    const opened: OpenFile = { fd, path, directFd, inFlight: 0, closing: false, dirtyBytes: 0 };
    this.#files.set(file, opened);
    return opened;
  }

  /** Bytes were written through the page cache. */
  wrote(file: OpenFile, bytes: number): void {
    file.dirtyBytes += bytes;
    if (!this.#mode.durable || file.dirtyBytes < writebackBytes) return;
    file.dirtyBytes = 0;
    onDestination('write', file.path, () => this.#mode.posix?.startWriteback(file.fd, 0, 0));
  }

  beginDirect(file: OpenFile): void {
    file.inFlight++;
  }

  endDirect(file: OpenFile): void {
    file.inFlight--;
    if (file.closing && file.inFlight === 0) closeFile(file);
  }

  close(): void {
    while (this.#files.size > 0) this.#closeOldest();
  }

  #closeOldest(): void {
    const [number, file] = this.#files.entries().next().value!;
    this.#files.delete(number);
    if (file.inFlight > 0) file.closing = true;
    else closeFile(file);
  }
}

function closeFile(file: OpenFile): void {
  closeSync(file.fd);
  if (file.directFd >= 0) closeSync(file.directFd);
}

/** Before the first write: an existing file may be one that others read, and its new content a secret. */
function makePrivate(path: string, fd: number): void {
  try {
    onDestination('change the mode of', path, () => fchmodSync(fd, unfinishedMode));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Opens an existing file for writes past the page cache; -1 where the file system has no such thing. */
function openDirect(path: string): number {
  try {
    return openSync(Buffer.from(path, 'latin1'), constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_DIRECT);
  } catch {
    return -1;
  }
}

/** Opens a file of the restore for writing, creating it where it is missing, and gives it its size. */
export function openSized(content: Content, file: number): number {
  const path = content.paths[file]!;
  return onDestination('write', path, () => {
    const fd = openWritable(Buffer.from(path, 'latin1'));
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

/** An owner may write to a file that its mode protects, once the mode is changed; the right one is set at the end. */
function openWritable(path: Buffer): number {
  try {
    return openSync(path, writeFlags | constants.O_CREAT, unfinishedMode);
  } catch (error) {
    if (systemErrorCode(error) !== 'EACCES' || lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true)
      throw error;
    chmodSync(path, unfinishedMode);
    return openSync(path, writeFlags);
  }
}
