import { chownSync, existsSync, readdirSync, renameSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../base/context.ts';
import { OperationError, errorMessage } from '../../base/errors.ts';
import { makeDirectoryFor } from '../../postgres/runtimeUser.ts';
import type { OsUser } from '../../postgres/runProgram.ts';
import { parseWalFileName, type WalFileName } from '../../postgres/walFileName.ts';
import { nextSegmentName, type WalSegmentName } from '../../postgres/walSegment.ts';

export interface WalFeedOptions {
  /** To be made, beside the data directory. */
  readonly directory: string;
  readonly user: OsUser | undefined;
  readonly segmentBytes: number;
  /** The content of a file, or undefined when its absence is proved. Any doubt is an error. */
  readonly fetch: (ctx: Context, file: WalFileName) => Promise<Buffer | undefined>;
  /**
   * Looks at each file before the server gets it, in the order in which they are asked for; an error stops recovery.
   */
  readonly inspect: (file: WalFileName, content: Buffer) => void;
}

/**
 * Asks for a file by making one of its name in `wanted`, and waits for the answer. Statuses above 125 stop recovery;
 * 1 means absent, and recovery then ends. Never 1 by accident: mv and the shell fail with small numbers too.
 */
const fetchScript = `
wal=../wal
if mv "$wal/ready/$1" "$2" 2>/dev/null; then : > "$wal/wanted/$1.taken"; exit 0; fi
: > "$wal/wanted/$1" || exit 255
while :; do
  if [ -e "$wal/ready/$1" ]; then mv "$wal/ready/$1" "$2" && exit 0; exit 255; fi
  if [ -e "$wal/absent/$1" ]; then rm "$wal/absent/$1" && exit 1; exit 255; fi
  sleep 0.02
done
`;

/** Segments that are fetched before the server asks for them. */
const prefetchSegments = 3;
const pollMs = 200;

/**
 * Gives a sandboxed server its WAL: the server's restore_command only leaves a note, we fetch, check and put the file
 * in place. No password, key or repository is ever within the sandbox's reach.
 */
export class WalFeed implements AsyncDisposable {
  /** For postgresql.conf; relative to the data directory, in which PostgreSQL runs it. */
  readonly restoreCommand = '/bin/sh ../wal/fetch.sh "%f" "%p"';
  readonly #options: WalFeedOptions;
  readonly #ctx: Context;
  readonly #end = new AbortController();
  readonly #contents = new Map<string, Promise<Buffer | undefined>>();
  readonly #published = new Set<string>();
  readonly #refusals = new Map<string, unknown>();
  #tail: Promise<void> = Promise.resolve();
  readonly #failed = Promise.withResolvers<never>();
  #newest: string | undefined;

  private constructor(ctx: Context, options: WalFeedOptions) {
    this.#options = options;
    this.#ctx = { ...ctx, signal: AbortSignal.any([ctx.signal, this.#end.signal]) };
    this.#failed.promise.catch(() => undefined);
  }

  static async open(ctx: Context, options: WalFeedOptions): Promise<WalFeed> {
    const { directory, user } = options;
    await makeDirectoryFor(user, directory);
    for (const name of ['wanted', 'ready', 'absent']) await makeDirectoryFor(user, join(directory, name));
    writeFileSync(join(directory, 'fetch.sh'), fetchScript);
    const feed = new WalFeed(ctx, options);
    feed.#listen();
    return feed;
  }

  /** Rejects when a file that the server asked for cannot be handed over: recovery cannot go on. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Newest segment that the server took. */
  get newestSegment(): string | undefined {
    return this.#newest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#tail;
  }

  #listen(): void {
    const look = (): void => this.#look();
    const watcher = watch(join(this.#options.directory, 'wanted'), look);
    watcher.on('error', () => undefined); // the timer looks as well
    const timer = setInterval(look, pollMs);
    this.#end.signal.addEventListener('abort', () => {
      watcher.close();
      clearInterval(timer);
    });
  }

  #look(): void {
    if (this.#end.signal.aborted) return;
    for (const note of readdirSync(this.#path('wanted')).sort()) {
      rmSync(join(this.#path('wanted'), note), { force: true });
      const taken = note.endsWith('.taken');
      const name = taken ? note.slice(0, -'.taken'.length) : note;
      const file = parseWalFileName(name);
      if (taken) this.#published.delete(name);
      else this.#answer(name, file);
      if (file?.kind !== 'segment') continue;
      if (this.#newest === undefined || name > this.#newest) this.#newest = name;
      this.#prefetch(file.segment);
    }
  }

  #prefetch(segment: WalSegmentName): void {
    let next = segment;
    for (let ahead = 0; ahead < prefetchSegments; ahead++) {
      next = nextSegmentName(next, this.#options.segmentBytes);
      this.#enqueue(next, { kind: 'segment', segment: next }, false);
    }
  }

  #answer(name: string, file: WalFileName | undefined): void {
    if (file !== undefined) return this.#enqueue(name, file, true);
    this.#tail = this.#tail.then(() => this.#reply('absent', name, Buffer.alloc(0)));
  }

  /** Fetches at once and publishes in order. Only an `asked` file is told to be absent: a later one may still come. */
  #enqueue(name: string, file: WalFileName, asked: boolean): void {
    if (existsSync(join(this.#path('ready'), name))) return;
    if (asked) this.#published.delete(name); // it was taken, and is asked for again
    const pending = this.#contents.get(name);
    if (pending !== undefined && !asked) return;
    const content = pending ?? this.#options.fetch(this.#ctx, file);
    content.catch(() => undefined);
    this.#contents.set(name, content);
    this.#tail = this.#tail.then(() => this.#publish(name, file, { content, asked }));
  }

  async #publish(
    name: string,
    file: WalFileName,
    { content, asked }: { readonly content: Promise<Buffer | undefined>; readonly asked: boolean },
  ): Promise<void> {
    try {
      const bytes = await content;
      if (this.#published.has(name)) return;
      if (bytes === undefined) {
        if (asked) this.#reply('absent', name, Buffer.alloc(0));
        return;
      }
      this.#inspect(name, file, bytes);
      this.#published.add(name);
      this.#reply('ready', name, bytes);
    } catch (error) {
      if (this.#end.signal.aborted || !asked) return;
      this.#ctx.log.error({ name, err: error }, 'a WAL file cannot be handed to the sandbox');
      this.#failed.reject(error);
    } finally {
      this.#contents.delete(name);
    }
  }

  /** A file that was refused stays so: looked at again, out of order, what was wrong might not be seen. */
  #inspect(name: string, file: WalFileName, bytes: Buffer): void {
    const refusal = this.#refusals.get(name);
    if (refusal !== undefined) throw refusal;
    try {
      this.#options.inspect(file, bytes);
    } catch (error) {
      this.#refusals.set(name, error);
      throw error;
    }
  }

  #reply(kind: 'ready' | 'absent', name: string, bytes: Buffer): void {
    const { user, directory } = this.#options;
    const temporary = join(directory, `${name}.new`);
    try {
      writeFileSync(temporary, bytes, { mode: 0o600 });
      if (user !== undefined) chownSync(temporary, user.uid, user.gid);
      renameSync(temporary, join(this.#path(kind), name));
    } catch (cause) {
      throw new OperationError('destination-io', `cannot write to the sandbox: ${errorMessage(cause)}`, {
        hint: 'is there space left in the scratch directory?',
        cause,
      });
    }
  }

  #path(kind: 'wanted' | 'ready' | 'absent'): string {
    return join(this.#options.directory, kind);
  }
}
