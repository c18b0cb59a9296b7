import type { BaseBackupEvent, BaseBackupTablespace } from '../baseBackupEvents.ts';
import { unexpectedAnswer } from './messages.ts';
import { TarReader } from './tarReader.ts';

/** A piece of a CopyData message; see `FrameHandler.copyData`. */
export interface CopyPiece {
  readonly bytes: Buffer;
  readonly offset: number;
  readonly length: number;
}

/** Turns the copy streams of a base backup into events. One for each grammar. Throws `postgres-protocol`. */
export interface ArchiveDecoder {
  copyBegin(): void;
  copyPiece(piece: CopyPiece): void;
  copyEnd(): void;
}

export interface ArchiveDecoderOptions {
  readonly emit: (event: BaseBackupEvent) => void;
  /** In the order in which the server listed them, which is the order of the archives. */
  readonly tablespaces: readonly BaseBackupTablespace[];
}

/** Servers 13 and 14: a copy stream for each tablespace, and one more for the manifest. */
export class SeparateArchives implements ArchiveDecoder {
  readonly #options: ArchiveDecoderOptions;
  #count = 0;
  #tar: TarReader | undefined;

  constructor(options: ArchiveDecoderOptions) {
    this.#options = options;
  }

  copyBegin(): void {
    const { tablespaces, emit } = this.#options;
    const tablespace = tablespaces[this.#count++];
    if (tablespace !== undefined) {
      emit({ kind: 'archive', tablespace });
      this.#tar = new TarReader({ emit, terminated: false });
    } else if (this.#count > tablespaces.length + 1) {
      throw unexpectedAnswer('more archives than tablespaces');
    }
  }

  copyPiece({ bytes }: CopyPiece): void {
    if (this.#tar === undefined) this.#options.emit({ kind: 'manifest', bytes });
    else this.#tar.push(bytes);
  }

  copyEnd(): void {
    if (this.#tar === undefined) return;
    this.#tar.finish();
    this.#tar = undefined;
    this.#options.emit({ kind: 'archive-end' });
  }
}

const newArchive = 0x6e; // n
const content = 0x64; // d
const manifest = 0x6d; // m
const progress = 0x70; // p

/** Servers from 15: one copy stream with typed messages. */
export class MultiplexedArchives implements ArchiveDecoder {
  readonly #options: ArchiveDecoderOptions;
  #type = 0;
  #announced: Buffer[] = [];
  #tar: TarReader | undefined;
  #inManifest = false;

  constructor(options: ArchiveDecoderOptions) {
    this.#options = options;
  }

  copyBegin(): void {
    // archives begin with messages of their own
  }

  copyPiece({ bytes, offset, length }: CopyPiece): void {
    if (offset === 0) {
      this.#type = bytes[0] ?? 0;
      this.#announced = [];
      if (this.#type === manifest) this.#beginManifest();
    }
    const body = offset === 0 ? bytes.subarray(1) : bytes;
    if (this.#type === content) this.#content(body);
    else if (this.#type === newArchive) this.#announce(body, offset + bytes.length === length);
    else if (this.#type !== manifest && this.#type !== progress)
      throw unexpectedAnswer('an unknown kind of backup data');
  }

  copyEnd(): void {
    this.#endArchive();
  }

  #announce(body: Buffer, complete: boolean): void {
    this.#announced.push(body);
    if (!complete) return;
    this.#endArchive();
    const [name = ''] = Buffer.concat(this.#announced).toString('utf8').split('\0');
    const tablespace = this.#options.tablespaces.find(({ oid }) => name === `${oid ?? 'base'}.tar`);
    if (tablespace === undefined) throw unexpectedAnswer(`an archive ${JSON.stringify(name)} of no tablespace`);
    const { emit } = this.#options;
    emit({ kind: 'archive', tablespace });
    this.#tar = new TarReader({ emit, terminated: true });
  }

  #content(body: Buffer): void {
    if (this.#inManifest) this.#options.emit({ kind: 'manifest', bytes: body });
    else if (this.#tar !== undefined) this.#tar.push(body);
    else throw unexpectedAnswer('backup data outside an archive');
  }

  #beginManifest(): void {
    this.#endArchive();
    this.#inManifest = true;
  }

  #endArchive(): void {
    if (this.#tar === undefined) return;
    this.#tar.finish();
    this.#tar = undefined;
    this.#options.emit({ kind: 'archive-end' });
  }
}
