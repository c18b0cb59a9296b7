import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, type BigIntStats } from 'node:fs';
import { systemErrorCode } from '../../base/errors.ts';
import { IgnoreList } from './ignoreList.ts';

export interface FileRulesOptions {
  /** Gitignore syntax, as if it stood in each of the roots; wins over what is found in `excludeFiles`. */
  readonly exclude: readonly string[];
  /** Names of files with such patterns, which hold from their directory down. */
  readonly excludeFiles: readonly string[];
  /** Leave out what is in directories with a CACHEDIR.TAG. */
  readonly excludeCaches: boolean;
}

const cacheTag = 'CACHEDIR.TAG';
/** https://bford.info/cachedir/ */
const cacheSignature = Buffer.from('Signature: 8a477f597d28d172789f06886806bc55');
/** Nobody writes that many patterns; something else has the name then. */
const largestExcludeFile = 1024 * 1024;

/** A directory on the way to where the scan is. Paths are raw bytes as latin1 text. */
interface Level {
  readonly path: string;
  readonly lists: readonly IgnoreList[];
  readonly isCache: boolean;
}

/** Decides what a backup of files leaves out. Asked in the order of the scan: each directory before its entries. */
export class FileRules {
  readonly #options: FileRulesOptions;
  readonly #roots: readonly string[];
  readonly #exclude: IgnoreList;
  #root = '';
  #levels: Level[] = [];
  /** How often something was left out; a directory counts once. */
  excluded = 0;

  /** `roots`: absolute paths of the directories that are backed up, none inside another. */
  constructor(roots: readonly Buffer[], options: FileRulesOptions) {
    this.#options = options;
    this.#roots = roots.map((root) => root.toString('latin1'));
    this.#exclude = IgnoreList.of(options.exclude);
  }

  /** True for something below a root that is left out; a directory with all that is in it. */
  excludes(path: Buffer, stat: Pick<BigIntStats, 'isDirectory'>): boolean {
    const text = path.toString('latin1');
    const slash = text.lastIndexOf('/');
    this.#enter(text.slice(0, slash) || '/');
    const verdict = this.#verdict(text, text.slice(slash + 1), stat.isDirectory());
    if (verdict === 'ignored') this.excluded++;
    return verdict === 'ignored';
  }

  #verdict(path: string, name: string, isDirectory: boolean): 'ignored' | 'included' {
    if (this.#levels.at(-1)?.isCache === true && name !== cacheTag) return 'ignored';
    const own = this.#exclude.verdict(below(this.#root, path), isDirectory);
    if (own !== undefined) return own;
    for (const level of this.#levels.toReversed()) {
      for (const list of level.lists.toReversed()) {
        const verdict = list.verdict(below(level.path, path), isDirectory);
        if (verdict !== undefined) return verdict;
      }
    }
    return 'included';
  }

  /** Makes the levels those from the root down to a directory. */
  #enter(directory: string): void {
    this.#levels = this.#levels.filter(({ path }) => isWithin(directory, path));
    let path = this.#levels.at(-1)?.path;
    if (path === undefined) {
      path = this.#root = this.#roots.find((root) => isWithin(directory, root)) ?? directory;
      this.#levels.push(this.#look(path));
    }
    while (path !== directory) {
      const next: number = directory.indexOf('/', path === '/' ? 1 : path.length + 1);
      path = next < 0 ? directory : directory.slice(0, next);
      this.#levels.push(this.#look(path));
    }
  }

  #look(path: string): Level {
    const { excludeFiles, excludeCaches } = this.#options;
    const at = (name: string): Buffer => Buffer.from(`${path === '/' ? '' : path}/${name}`, 'latin1');
    const lists = excludeFiles.flatMap((name) => {
      const content = readPlainFile(at(Buffer.from(name).toString('latin1')));
      return content === undefined ? [] : [IgnoreList.parse(content)];
    });
    return { path, lists, isCache: excludeCaches && hasSignature(at(cacheTag)) };
  }
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || directory === '/' || path.startsWith(`${directory}/`);
}

function below(directory: string, path: string): string {
  return path.slice(directory === '/' ? 1 : directory.length + 1);
}

/** Undefined when there is none that can be read: then more is backed up, which harms nobody. */
function readPlainFile(path: Buffer): Buffer | undefined {
  return onPlainFile(path, (fd, size) => (size <= largestExcludeFile ? readFileSync(fd) : undefined));
}

function hasSignature(path: Buffer): boolean {
  const isSigned = onPlainFile(path, (fd) => {
    const head = Buffer.alloc(cacheSignature.length);
    return readSync(fd, head, 0, head.length, 0) === head.length && head.equals(cacheSignature);
  });
  return isSigned ?? false;
}

function onPlainFile<T>(path: Buffer, read: (fd: number, size: number) => T | undefined): T | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd);
      return stat.isFile() ? read(fd, stat.size) : undefined;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}
