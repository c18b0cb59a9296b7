import { existsSync, mkdirSync, rmSync, watch, writeFileSync, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../base/context.ts';
import { OperationError, isOperationError } from '../../base/errors.ts';
import { WorkerPool, moduleUrl } from '../../base/workerPool.ts';
import { parseWalFileName } from '../../postgres/walFileName.ts';
import { nextSegmentName, type WalSegmentName } from '../../postgres/walSegment.ts';
import { exportMasterKey } from '../../repository/sealedObject.ts';
import type { Repository } from '../../repository/repository.ts';
import type { WalArchive } from '../walArchive.ts';
import { readyDirectory } from '../walGetRequest.ts';
import { fetchWal } from './fetchWal.ts';
import { RecoveryView, type RecoveryHistory } from './recoveryView.ts';
import type { FetchKernelInit, FetchResult, FetchTask } from './worker/fetchKernel.ts';

export interface PrefetcherOptions {
  readonly repository: Repository;
  readonly archive: WalArchive;
  readonly history: RecoveryHistory;
  readonly spool: string;
  readonly threads: number;
  /** Most bytes that lie fetched in the spool. */
  readonly aheadBytes: number;
  /** Told when PostgreSQL takes a segment. */
  readonly onTaken: () => void;
}

/** At least this many segments are fetched ahead, however large they are. */
const minAhead = 2;
const maxAhead = 64;

/**
 * Fetches the file that recovery asks for and, ahead of its asking, the segments behind it on the same timeline. Only
 * whole, checked segments that beyond doubt belong to the recovery's history appear in the spool's ready directory,
 * from which restore_command takes them without asking.
 */
export class Prefetcher implements AsyncDisposable {
  readonly #ctx: Context;
  readonly #options: PrefetcherOptions;
  readonly #pool: WorkerPool;
  readonly #view: RecoveryView;
  readonly #watcher: FSWatcher;
  /** Segments being fetched. */
  readonly #underWay = new Map<WalSegmentName, Promise<void>>();
  /** Segments that lie in the ready directory. */
  readonly #ready = new Set<WalSegmentName>();
  #segmentBytes: number | undefined;
  /** The first segment that is still wanted. */
  #from: WalSegmentName | undefined;
  /** The next segment to fetch ahead; undefined while there is nothing to do. */
  #next: WalSegmentName | undefined;
  #advancing = false;

  private constructor(ctx: Context, options: PrefetcherOptions, pool: WorkerPool) {
    this.#ctx = ctx;
    this.#options = options;
    this.#pool = pool;
    this.#view = new RecoveryView(options.archive, options.history);
    this.#watcher = watch(readyDirectory(options.spool), () => this.#noticeTaken());
  }

  /** Empties the spool: what an earlier recovery left there is not of this one. */
  static async open(ctx: Context, options: PrefetcherOptions): Promise<Prefetcher> {
    const { repository, archive, spool, threads } = options;
    for (const directory of [readyDirectory(spool), askedDirectory(spool)]) {
      rmSync(directory, { recursive: true, force: true });
      mkdirSync(directory, { mode: 0o700 });
    }
    const directory = repository.backend.localDirectory;
    const init: FetchKernelInit = {
      masterKey: exportMasterKey(repository),
      systemIdentifier: archive.systemIdentifier,
      storage: directory === undefined ? { backend: repository.backend, ctx } : { directory },
    };
    const module = moduleUrl('./worker/fetchKernel', import.meta);
    const pool = await WorkerPool.open({
      module,
      threads: directory === undefined ? 0 : threads,
      init,
      signal: ctx.signal,
    });
    return new Prefetcher(ctx, options, pool);
  }

  /**
   * Path of a file in the spool that holds what was asked for; whoever asked takes it away.
   * Throws `wal-missing` when its absence is proved, `wal-unavailable` on any doubt.
   */
  async fetch(name: string): Promise<string> {
    const file = parseWalFileName(name);
    if (file === undefined) throw new OperationError('usage', `${name} is not the name of a file in a WAL archive`);
    if (file.kind === 'segment') {
      await this.#underWay.get(file.segment);
      if (this.#isReady(file.segment)) return this.#readyPath(file.segment);
    }
    const content = await fetchWal(this.#ctx, this.#view, { archive: this.#options.archive, file });
    const path = join(askedDirectory(this.#options.spool), name);
    writeFileSync(path, content, { mode: 0o600 });
    if (file.kind === 'segment') this.#workAhead(file.segment, content.length);
    return path;
  }

  get readySegments(): number {
    return this.#ready.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watcher.close();
    this.#next = undefined;
    await Promise.allSettled(this.#underWay.values());
    await this.#pool[Symbol.asyncDispose]();
    for (const directory of [readyDirectory(this.#options.spool), askedDirectory(this.#options.spool)]) {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  /** Recovery is at this segment: what lies behind it is fetched next, what does not is not wanted any more. */
  #workAhead(segment: WalSegmentName, segmentBytes: number): void {
    this.#segmentBytes = segmentBytes;
    const next = nextSegmentName(segment, segmentBytes);
    this.#from = next;
    this.#next = next;
    for (const other of this.#ready) {
      if (!this.#isWanted(other)) this.#drop(other);
    }
    void this.#advance();
  }

  /** Starts fetching until enough lies ready or there is nothing more; one run at a time. */
  async #advance(): Promise<void> {
    if (this.#advancing) return;
    this.#advancing = true;
    try {
      while (this.#next !== undefined && this.#ready.size + this.#underWay.size < this.#depth()) {
        const segment = this.#next;
        if (this.#ready.has(segment) || this.#underWay.has(segment) || (await this.#mayPrefetch(segment))) {
          if (this.#next !== segment) continue;
          this.#next = nextSegmentName(segment, this.#segmentBytes!);
          if (!this.#ready.has(segment) && !this.#underWay.has(segment)) this.#begin(segment);
        } else if (this.#next === segment) {
          this.#next = undefined;
        }
      }
    } catch (error) {
      this.#ctx.log.warn({ err: error }, 'cannot fetch ahead');
      this.#next = undefined;
    } finally {
      this.#advancing = false;
    }
  }

  /** Only what belongs to the history as a whole; the rest is decided when it is asked for. */
  async #mayPrefetch(segment: WalSegmentName): Promise<boolean> {
    if (this.#view.isBehindEnd(segment)) return false;
    if (!(await this.#options.archive.has(this.#ctx, { kind: 'segment', segment }))) return false;
    try {
      return (await this.#view.usableBytes(this.#ctx, segment, this.#segmentBytes!)) === this.#segmentBytes;
    } catch (error) {
      if (isOperationError(error, 'wal-unavailable')) return false;
      throw error;
    }
  }

  #begin(segment: WalSegmentName): void {
    const task: FetchTask = { segment, target: this.#readyPath(segment) };
    const fetching = this.#pool.runOnAny<FetchResult>(task).then(
      (result) => this.#finish(segment, result),
      (error: unknown) => {
        this.#ctx.log.error({ err: error, segment }, 'a thread failed');
        return this.#finish(segment, { fetched: false, code: 'internal' });
      },
    );
    this.#underWay.set(segment, fetching);
  }

  #finish(segment: WalSegmentName, result: FetchResult): void {
    this.#underWay.delete(segment);
    if (result.fetched) {
      this.#ready.add(segment);
      if (this.#isWanted(segment))
        this.#noticeTaken(); // perhaps before we heard of it
      else this.#drop(segment);
    } else {
      this.#ctx.log.warn({ segment, code: result.code }, 'cannot fetch a segment ahead');
      this.#next = undefined;
    }
    void this.#advance();
  }

  #isWanted(segment: WalSegmentName): boolean {
    return this.#from !== undefined && segment.slice(0, 8) === this.#from.slice(0, 8) && segment >= this.#from;
  }

  #drop(segment: WalSegmentName): void {
    this.#ready.delete(segment);
    rmSync(this.#readyPath(segment), { force: true });
  }

  #isReady(segment: WalSegmentName): boolean {
    return this.#ready.has(segment) && existsSync(this.#readyPath(segment));
  }

  #noticeTaken(): void {
    const taken = [...this.#ready].filter((segment) => !existsSync(this.#readyPath(segment)));
    for (const segment of taken) this.#ready.delete(segment);
    if (taken.length === 0) return;
    this.#options.onTaken();
    void this.#advance();
  }

  #depth(): number {
    const fitting = Math.floor(this.#options.aheadBytes / (this.#segmentBytes ?? this.#options.aheadBytes));
    return Math.min(maxAhead, Math.max(minAhead, fitting));
  }

  #readyPath(segment: WalSegmentName): string {
    return join(readyDirectory(this.#options.spool), segment);
  }
}

/** What was asked for and not fetched ahead: never where restore_command looks on its own. */
function askedDirectory(spool: string): string {
  return join(spool, 'asked');
}
