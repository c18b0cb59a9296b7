import { writePieceBytes, writeAllSync } from '../../base/atomicFile.ts';
import { assert } from '../../base/errors.ts';
import type { Posix } from '../../base/posix.ts';
import { addState, stateDamaged, stateExisted, type Content } from '../content.ts';
import { onDestination } from '../destinationErrors.ts';
import { OpenFiles } from './openFiles.ts';

const zeros = Buffer.alloc(1024 * 1024);

/**
 * Writes verified chunks to their places. Chunks that follow one another in a file are joined in one buffer and written
 * together. Zeros are left out where the file was created empty: it has a hole there already.
 */
export class FileWriter {
  readonly #content: Content;
  readonly #files: OpenFiles;
  readonly #joined = Buffer.allocUnsafeSlow(writePieceBytes);
  #large: Buffer = Buffer.alloc(0);
  /** The chunks in `#joined`: their file, where they begin in it, and how long they are together. */
  #file = -1;
  #offset = 0;
  #length = 0;
  /** The room last given. */
  #room: Buffer = this.#joined;

  constructor(content: Content, posix: Posix | undefined) {
    this.#content = content;
    this.#files = new OpenFiles(content, posix);
  }

  /** Where the content of a chunk shall be put: behind the chunk before it, if that came last. */
  room(chunk: number, length: number): Buffer {
    if (length > this.#joined.length) {
      this.flush();
      if (this.#large.length < length) this.#large = Buffer.allocUnsafeSlow(length);
      this.#room = this.#large.subarray(0, length);
      return this.#room;
    }
    const file = this.#content.chunkFiles[chunk]!;
    const offset = this.#content.chunkOffsets[chunk]!;
    const follows = file === this.#file && offset === this.#offset + this.#length;
    if (!follows || this.#length + length > this.#joined.length) {
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
      if (index === 0 && bytes.buffer === this.#joined.buffer) this.#join(chunk, bytes.length);
      else this.#write(file, this.#content.chunkOffsets[chunk]!, bytes);
    });
  }

  refuse(chunks: Uint32Array): void {
    for (const chunk of chunks) addState(this.#content, this.#content.chunkFiles[chunk]!, stateDamaged);
  }

  /** Writes what was joined. */
  flush(): void {
    const length = this.#length;
    this.#length = 0;
    if (length > 0) this.#write(this.#file, this.#offset, this.#joined.subarray(0, length));
    this.#file = -1;
  }

  close(): void {
    this.flush();
    this.#files.close();
  }

  #join(chunk: number, length: number): void {
    assert(this.#content.chunkFiles[chunk] === this.#file, 'a chunk is joined to chunks of its file');
    this.#length += length;
  }

  #write(file: number, offset: number, bytes: Buffer): void {
    const opened = this.#files.open(file);
    onDestination('write', opened.path, () => writeAllSync(opened.fd, bytes, offset));
    this.#files.wrote(opened, bytes.length);
  }
}
