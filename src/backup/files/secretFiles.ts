import type { BigIntStats } from 'node:fs';
import type { FilesRecord } from '../filesRecord.ts';
import { IgnoreList } from './ignoreList.ts';
import { pathInRoot } from './selection.ts';
import { tell } from './told.ts';

/** Bits of a mode by which others than the owner may read. */
const readableByOthers = 0o044;

/** Recognises files with secrets during a backup, and remembers which of them others could read. */
export class SecretFiles {
  readonly #roots: readonly string[];
  readonly #patterns: readonly string[];
  readonly #list: IgnoreList;
  readonly #modes = new Map<string, number>();

  constructor(roots: readonly string[], patterns: readonly string[]) {
    this.#roots = roots;
    this.#patterns = patterns;
    this.#list = IgnoreList.of(patterns);
  }

  isSecret(path: Buffer, { mode }: Pick<BigIntStats, 'mode'>): boolean {
    const found = this.#list.means(pathInRoot(path, this.#roots));
    if (found) this.#modes.set(path.toString(), Number(mode) % 0o10000);
    return found;
  }

  record(): FilesRecord['secrets'] {
    const exposed = [...this.#modes].filter(([, mode]) => (mode & readableByOthers) !== 0);
    return {
      patterns: [...this.#patterns],
      files: tell([...this.#modes.keys()]),
      exposed: tell(exposed.map(([path, mode]) => ({ path, mode: mode.toString(8).padStart(4, '0') }))),
    };
  }
}
