import { type TarEntry, decodeTarHeader, tarBlockBytes, tarError } from './tarHeader.ts';

export type TarEvent =
  | { readonly kind: 'entry'; readonly entry: TarEntry }
  /** The next bytes of the entry's content; a view that is valid until the next batch is asked for. */
  | { readonly kind: 'data'; readonly bytes: Buffer }
  /** All of the entry's content has come. */
  | { readonly kind: 'entry-end' };

export interface TarReaderOptions {
  readonly emit: (event: TarEvent) => void;
  /** Whether blocks of zeros must end the archive; servers before 15 leave them out. */
  readonly terminated: boolean;
}

const endBlocks = 2;

/** Reads a ustar archive from pieces of any size, without copying contents. Throws `postgres-protocol`. */
export class TarReader {
  readonly #options: TarReaderOptions;
  readonly #header = Buffer.alloc(tarBlockBytes);
  #headerFilled = 0;
  #contentLeft = 0;
  #paddingLeft = 0;
  #inEntry = false;
  #zeroBlocks = 0;

  constructor(options: TarReaderOptions) {
    this.#options = options;
  }

  push(piece: Buffer): void {
    let at = 0;
    while (at < piece.length) {
      if (this.#contentLeft > 0) at = this.#readContent(piece, at);
      else if (this.#paddingLeft > 0) at = this.#skipPadding(piece, at);
      else at = this.#readHeader(piece, at);
    }
  }

  /** Declares the end of the archive. Throws when something is missing. */
  finish(): void {
    const between = this.#contentLeft === 0 && this.#paddingLeft === 0 && this.#headerFilled === 0;
    if (!between || (this.#options.terminated && this.#zeroBlocks < endBlocks))
      throw tarError('no end: it was cut short');
  }

  #readContent(piece: Buffer, at: number): number {
    const end = Math.min(piece.length, at + this.#contentLeft);
    this.#options.emit({ kind: 'data', bytes: piece.subarray(at, end) });
    this.#contentLeft -= end - at;
    this.#endEntryIfComplete();
    return end;
  }

  #skipPadding(piece: Buffer, at: number): number {
    const end = Math.min(piece.length, at + this.#paddingLeft);
    this.#paddingLeft -= end - at;
    return end;
  }

  #readHeader(piece: Buffer, at: number): number {
    const end = Math.min(piece.length, at + tarBlockBytes - this.#headerFilled);
    piece.copy(this.#header, this.#headerFilled, at, end);
    this.#headerFilled += end - at;
    if (this.#headerFilled < tarBlockBytes) return end;

    this.#headerFilled = 0;
    if (this.#header.every((byte) => byte === 0)) {
      this.#zeroBlocks++;
      return end;
    }
    if (this.#zeroBlocks > 0) throw tarError('an entry after its end');
    const entry = decodeTarHeader(this.#header);
    this.#contentLeft = entry.sizeBytes;
    this.#paddingLeft = (tarBlockBytes - (entry.sizeBytes % tarBlockBytes)) % tarBlockBytes;
    this.#inEntry = true;
    this.#options.emit({ kind: 'entry', entry });
    this.#endEntryIfComplete();
    return end;
  }

  #endEntryIfComplete(): void {
    if (!this.#inEntry || this.#contentLeft > 0) return;
    this.#inEntry = false;
    this.#options.emit({ kind: 'entry-end' });
  }
}
