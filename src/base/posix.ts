import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';

/**
 * System calls that Node does not offer, through libc. Paths are raw bytes. Every call is synchronous and throws an
 * error with `code`, `errno` and `syscall` as Node's own do. Symbolic links are never followed.
 */
export interface Posix {
  /** Sets access and modification time, to the nanosecond. */
  setTimes(path: Buffer, atimeNs: bigint, mtimeNs: bigint): void;
  listXattrs(path: Buffer): Buffer[];
  getXattr(path: Buffer, name: Buffer): Buffer;
  setXattr(path: Buffer, name: Buffer, value: Buffer): void;
  removeXattr(path: Buffer, name: Buffer): void;
  /** Creates a fifo or device; `mode` is a whole `st_mode`, `device` an `st_rdev`. */
  makeNode(path: Buffer, mode: number, device: bigint): void;
  /** Renames unless the new name is taken (`EEXIST`). Throws `ENOSYS` or `EINVAL` where the system cannot. */
  renameExclusive(from: Buffer, to: Buffer): void;
  /** Makes everything written to the file system of an open file durable. */
  syncFileSystem(fd: number): void;
  /** Begins to write a range of a file to disk, so that a later sync has little left to do. Does not wait. */
  startWriteback(fd: number, offset: number, length: number): void;
  /** Takes the exclusive lock (flock) of an open file until it is closed; false when another process has it. */
  tryLock(fd: number): boolean;
  /**
   * Whether any process, also one in another container, has a file open for writing. `fd` is open for reading only, and
   * the file is ours or we are root (`EACCES`); not every file system can tell (`EINVAL`).
   */
  isOpenForWriting(fd: number): boolean;
  /** Gives the blocks of a range back; it reads as zeros, and the size stays. */
  punchHole(fd: number, offset: number, length: number): void;
  /** Removes a range of whole blocks: what follows moves to its place, also what is appended meanwhile. */
  collapseRange(fd: number, offset: number, length: number): void;
  /** Where the first data at or after `offset` begins that is no hole. Throws `ENXIO` when there is none. */
  findData(fd: number, offset: number): number;
}

type Call = (...values: readonly unknown[]) => number;

interface Koffi {
  load(path: null): { func(declaration: string): Call };
  errno(): number;
}

const currentDirectory = -100;
const noFollow = 0x100;
const nsPerSecond = 1_000_000_000n;
const firstTryBytes = 1024;
const noReplace = 1;
const startWrite = 2;
const exclusiveNow = 2 | 4;
const setLease = 1024;
const setSignal = 10;
const leases = { read: 0, none: 2 };
/** SIGURG, ignored by default: an open that comes right between taking and giving up a lease must not end us. */
const harmlessSignal = 23;
const keepSizePunchHole = 1 | 2;
const collapse = 8;
const seekData = 3;

let loaded: { readonly posix: Posix | undefined } | undefined;

/** The system calls, or undefined where they cannot be had (an operating system other than Linux on 64 bits). */
export function loadPosix(): Posix | undefined {
  loaded ??= { posix: open() };
  return loaded.posix;
}

function open(): Posix | undefined {
  if (process.platform !== 'linux' || !['x64', 'arm64', 'riscv64', 'ppc64', 'loong64'].includes(process.arch)) return;
  try {
    return bind(createRequire(import.meta.url)('koffi') as Koffi);
  } catch {
    return undefined;
  }
}

function bind(koffi: Koffi): Posix {
  const libc = koffi.load(null);
  const declare = (declaration: string): Call => {
    const call = libc.func(declaration);
    const syscall = nameIn(declaration);
    return (...values) => {
      const result = call(...values);
      if (result < 0) throw systemError(koffi.errno(), syscall);
      return result;
    };
  };
  /** For what not every libc has. */
  const declareIfThere = (declaration: string): Call => {
    try {
      return declare(declaration);
    } catch {
      return () => {
        throw systemError(constants.errno.ENOSYS, nameIn(declaration));
      };
    }
  };
  const utimensat = declare('int utimensat(int, const uint8_t*, const int64_t*, int)');
  const llistxattr = declare('int64_t llistxattr(const uint8_t*, uint8_t*, size_t)');
  const lgetxattr = declare('int64_t lgetxattr(const uint8_t*, const uint8_t*, uint8_t*, size_t)');
  const lsetxattr = declare('int lsetxattr(const uint8_t*, const uint8_t*, const uint8_t*, size_t, int)');
  const lremovexattr = declare('int lremovexattr(const uint8_t*, const uint8_t*)');
  const mknod = declare('int mknod(const uint8_t*, uint32_t, uint64_t)');
  const renameat2 = declareIfThere('int renameat2(int, const uint8_t*, int, const uint8_t*, uint32_t)');
  const syncfs = declare('int syncfs(int)');
  const syncFileRange = declare('int sync_file_range(int, int64_t, int64_t, uint32_t)');
  const flock = declare('int flock(int, int)');
  const fcntl = declare('int fcntl(int, int, int)');
  const fallocate = declare('int fallocate(int, int, int64_t, int64_t)');
  const lseek = declare('int64_t lseek(int, int64_t, int)');
  return {
    setTimes: (path, atimeNs, mtimeNs) =>
      void utimensat(currentDirectory, terminated(path), timespecs(atimeNs, mtimeNs), noFollow),
    listXattrs: (path) => splitNames(readWhole((buffer) => llistxattr(terminated(path), buffer, buffer.length))),
    getXattr: (path, name) =>
      readWhole((buffer) => lgetxattr(terminated(path), terminated(name), buffer, buffer.length)),
    setXattr: (path, name, value) => void lsetxattr(terminated(path), terminated(name), value, value.length, 0),
    removeXattr: (path, name) => void lremovexattr(terminated(path), terminated(name)),
    makeNode: (path, mode, device) => void mknod(terminated(path), mode, device),
    renameExclusive: (from, to) =>
      void renameat2(currentDirectory, terminated(from), currentDirectory, terminated(to), noReplace),
    syncFileSystem: (fd) => void syncfs(fd),
    startWriteback: (fd, offset, length) => void syncFileRange(fd, offset, length, startWrite),
    tryLock: (fd) => isFree(() => flock(fd, exclusiveNow)),
    isOpenForWriting: (fd) => {
      fcntl(fd, setSignal, harmlessSignal);
      if (!isFree(() => fcntl(fd, setLease, leases.read))) return true;
      fcntl(fd, setLease, leases.none);
      return false;
    },
    punchHole: (fd, offset, length) => void fallocate(fd, keepSizePunchHole, offset, length),
    collapseRange: (fd, offset, length) => void fallocate(fd, collapse, offset, length),
    findData: (fd, offset) => lseek(fd, offset, seekData),
  };
}

/** False when the system says that somebody else is in the way. */
function isFree(call: () => unknown): boolean {
  try {
    call();
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'EAGAIN') return false;
    throw error;
  }
}

function terminated(path: Buffer): Buffer {
  return Buffer.concat([path, Buffer.alloc(1)]);
}

function timespecs(atimeNs: bigint, mtimeNs: bigint): BigInt64Array {
  return BigInt64Array.of(...splitTime(atimeNs), ...splitTime(mtimeNs));
}

/** Seconds and the nanoseconds after them, also before 1970. */
function splitTime(ns: bigint): [bigint, bigint] {
  const rest = ((ns % nsPerSecond) + nsPerSecond) % nsPerSecond;
  return [(ns - rest) / nsPerSecond, rest];
}

/** Calls with a larger buffer when the first one was too small. */
function readWhole(read: (buffer: Buffer) => number): Buffer {
  for (let size = firstTryBytes; ; size *= 8) {
    const buffer = Buffer.alloc(size);
    try {
      return buffer.subarray(0, read(buffer));
    } catch (error) {
      if (size > 64 * 1024 || (error as { code?: string }).code !== 'ERANGE') throw error;
    }
  }
}

function splitNames(list: Buffer): Buffer[] {
  const names: Buffer[] = [];
  for (let from = 0; from < list.length;) {
    const end = list.indexOf(0, from);
    names.push(list.subarray(from, end));
    from = end + 1;
  }
  return names;
}

function nameIn(declaration: string): string {
  return /(\w+)\(/.exec(declaration)?.[1] ?? '';
}

function systemError(errno: number, syscall: string): Error {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${code}: ${syscall}`), { code, errno: -errno, syscall });
}
