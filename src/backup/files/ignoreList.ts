import { parseIgnoreLine, type IgnorePattern } from './ignorePattern.ts';

/** What a list of patterns says of a path: ignored, not ignored after all, or nothing. */
export type IgnoreVerdict = 'ignored' | 'included' | undefined;

/** Patterns in gitignore syntax that stand in one place; of those that match, the last one decides. */
export class IgnoreList {
  readonly #patterns: readonly IgnorePattern[];

  private constructor(lines: readonly string[]) {
    this.#patterns = lines.flatMap((line) => parseIgnoreLine(line) ?? []);
  }

  /** Patterns that a person wrote as text. */
  static of(patterns: readonly string[]): IgnoreList {
    return new IgnoreList(patterns.map((pattern) => Buffer.from(pattern).toString('latin1')));
  }

  /** The content of a file such as `.gitignore`. */
  static parse(content: Buffer): IgnoreList {
    const text = content.toString('latin1').replace(/^\xef\xbb\xbf/, '');
    return new IgnoreList(text.split('\n').map((line) => line.replace(/\r$/, '')));
  }

  /** `path`: relative to where the list stands, raw bytes as latin1 text. A directory above it is not considered. */
  verdict(path: string, isDirectory: boolean): IgnoreVerdict {
    const pattern = this.#patterns.findLast((each) => (isDirectory || !each.directoriesOnly) && each.matches(path));
    if (pattern === undefined) return undefined;
    return pattern.negated ? 'included' : 'ignored';
  }

  /** True for a file that a pattern means, itself or with a directory that it is in. */
  means(path: string): boolean {
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      if (this.verdict(path.slice(0, slash), true) === 'ignored') return true;
    }
    return this.verdict(path, false) === 'ignored';
  }
}
