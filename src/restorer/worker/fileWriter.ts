import { write } from 'node:fs';
import { writeAllSync } from '../../base/atomicFile.ts';
import { assert, systemErrorCode } from '../../base/errors.ts';
import { addState, stateDamaged, stateExisted, type Content } from '../content.ts';
import { destinationError, onDestination } from '../destinationErrors.ts';
import { OpenFiles, type OpenFile, type WriteMode } from './openFiles.ts';
import { WriteSlots, slotBytes } from './writeSlots.ts';

const zeros = Buffer.alloc(1024 * 1024);
/** What offsets, lengths and addresses of direct writes are multiples of. */
const directAlignment = 4096;

/**
 * Writes verified chunks to their places. Chunks that follow one another in a file are joined and written together,
 * past the page cache where that is possible, while the thread goes on. Zeros are left out where the file was created
 * empty: it has a hole there already.
 */
export class FileWriter {
  readonly #content: Content;
  readonly #files: OpenFiles;
  readonly #slots = new WriteSlots();
  #joined: Buffer;
  #large: Buffer = Buffer.alloc(0);
  /** The chunks in `#joined`: their file, where they begin in it, and how long they are together. */
  #file = -1;
  #offset = 0;
  #length = 0;
  /** The room last given, and whether it is behind the joined chunks. */
  #room: Buffer;
  #roomJoins = false;
  /** The first failure of a write that went on by itself. */
  #failure: unknown;

  constructor(content: Content, mode: WriteMode) {
    this.#content = content;
    this.#files = new OpenFiles(content, mode);
    const slot = this.#slots.take();
    assert(slot !== undefined, 'there are slots at first');
    this.#joined = this.#room = slot;
  }

  /** A promise when room can only be given after some write has ended. */
  ready(): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#slots.hasFree ? undefined : this.#slots.nextFree();
  }

  /** Where the content of a chunk shall be put: behind the chunk before it, if that came last. */
  room(chunk: number, length: number): Buffer {
    this.#roomJoins = length <= slotBytes;
    if (!this.#roomJoins) {
      this.flush();
      if (this.#large.length < length) this.#large = Buffer.allocUnsafeSlow(length);
      this.#room = this.#large.subarray(0, length);
      return this.#room;
    }
    const file = this.#content.chunkFiles[chunk]!;
    const offset = this.#content.chunkOffsets[chunk]!;
    const follows = file === this.#file && offset === this.#offset + this.#length;
    if (!follows || this.#length + length > slotBytes) {
      this.flush();
      this.#file = file;
      this.#offset = offset;
    }
    this.#room = this.#joined.subarray(this.#length, this.#length + length);
    return this.#room;
  }

  /** The room last given holds this content, which belongs to these chunks. */
  accept(chunks: Uint32Array): void {
    const bytes = this.#room;
    const isZero = bytes.length <= zeros.length && bytes.equals(zeros.subarray(0, bytes.length));
    chunks.forEach((chunk, index) => {
      const file = this.#content.chunkFiles[chunk]!;
      if (isZero && (this.#content.states[file]! & stateExisted) === 0) return;
      if (index === 0 && this.#roomJoins) this.#length += bytes.length;
      else this.#write(this.#files.open(file), this.#content.chunkOffsets[chunk]!, bytes);
    });
  }

  refuse(chunks: Uint32Array): void {
    for (const chunk of chunks) addState(this.#content, this.#content.chunkFiles[chunk]!, stateDamaged);
  }

  /** Writes what was joined, or begins to. */
  flush(): void {
    const bytes = this.#joined.subarray(0, this.#length);
    const [file, offset] = [this.#file, this.#offset];
    this.#file = -1;
    this.#length = 0;
    if (bytes.length === 0) return;
    const opened = this.#files.open(file);
    const aligned = offset % directAlignment === 0 && bytes.length % directAlignment === 0;
    if (opened.directFd >= 0 && aligned && this.#slots.hasFree) this.#beginDirect(opened, offset, bytes);
    else this.#write(opened, offset, bytes);
  }

  /** Ends all writes and closes the files. */
  async close(): Promise<void> {
    this.flush();
    this.#slots.giveBack(this.#joined);
    while (!this.#slots.allFree) await this.#slots.nextFree();
    this.#files.close();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #write(file: OpenFile, offset: number, bytes: Buffer): void {
    onDestination('write', file.path, () => writeAllSync(file.fd, bytes, offset));
    this.#files.wrote(file, bytes.length);
  }

  #beginDirect(file: OpenFile, offset: number, bytes: Buffer): void {
    const slot = this.#joined;
    const next = this.#slots.take();
    assert(next !== undefined, 'a slot is free');
    this.#joined = next;
    this.#files.beginDirect(file);
    write(file.directFd, bytes, 0, bytes.length, offset, (error, count) => {
      try {
        if (error !== null) this.#directFailed(error, file);
        const rest = error === null ? count : 0;
        // if this cannot write it either, it tells why
        if (rest < bytes.length) this.#write(file, offset + rest, bytes.subarray(rest));
      } catch (failure) {
        this.#failure ??= failure;
      }
      this.#files.endDirect(file);
      this.#slots.giveBack(slot);
    });
  }

  /** Some file systems offer direct writes and then refuse them; what they refuse goes through the page cache. */
  #directFailed(error: unknown, file: OpenFile): void {
    if (systemErrorCode(error) !== 'EINVAL') throw destinationError(error, 'write', file.path);
  }
}
