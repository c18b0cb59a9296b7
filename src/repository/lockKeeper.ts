import type { Context } from '../base/context.ts';
import { OperationError, errorMessage, isOperationError } from '../base/errors.ts';
import type { Repository } from './repository.ts';

const refreshEveryMs = 5 * 60 * 1000;
/** How often to look whether a refresh is due: after a sleep of the machine it is, at once. */
const pollMs = 15_000;
/** Work must stop when no refresh has succeeded for this long: others may soon take the lock for stale. */
const refreshLimitMs = 22.5 * 60 * 1000;

/** What a keeper looks after. */
export interface KeptLock {
  readonly id: string;
  /** Stores the lock anew with the present time; resolves with the new object's id. */
  readonly write: () => Promise<string>;
}

/** Processes of which a lock tells the number are sent SIGHUP by stock restic's `unlock`, and must survive it. */
let keepers = 0;
const ignoreHangup = (): void => undefined;

/** Keeps a lock's object fresh, notices its loss, and removes it on dispose. */
export class LockKeeper implements AsyncDisposable {
  /** Aborts with the caller's signal, and with `lock-lost`. */
  readonly signal: AbortSignal;
  readonly #ctx: Context;
  readonly #repository: Repository;
  readonly #write: () => Promise<string>;
  readonly #lost = new AbortController();
  readonly #heartbeat: NodeJS.Timeout;
  /** Locks that a failed refresh left behind. */
  readonly #superseded: string[] = [];
  #id: string;
  #refreshed: Moment;
  #refreshing: Promise<void> | undefined;
  #released = false;

  constructor(ctx: Context, repository: Repository, lock: KeptLock) {
    this.#ctx = ctx;
    this.#repository = repository;
    this.#write = lock.write;
    this.#id = lock.id;
    this.#refreshed = momentOf(ctx);
    this.signal = AbortSignal.any([ctx.signal, this.#lost.signal]);
    if (keepers++ === 0) process.on('SIGHUP', ignoreHangup);
    this.#heartbeat = setInterval(() => void this.#beat(), pollMs);
    this.#heartbeat.unref();
  }

  /** Throws `lock-lost` unless the lock's object is there. */
  async confirm(): Promise<void> {
    await this.#refreshing;
    this.signal.throwIfAborted();
    if (this.#ageMs() >= refreshEveryMs) await this.#refresh();
    if (!(await this.#isThere())) this.#lose(removed());
    this.signal.throwIfAborted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    clearInterval(this.#heartbeat);
    await this.#refreshing;
    if (--keepers === 0) process.off('SIGHUP', ignoreHangup);
    // also when the caller was stopped: a lock left behind blocks everybody else
    const ctx = { ...this.#ctx, signal: new AbortController().signal };
    for (const id of [...this.#superseded, this.#id]) {
      try {
        await this.#repository.removeDocument(ctx, 'locks', id);
      } catch (error) {
        if (!isOperationError(error)) throw error;
        ctx.log.warn({ lock: id, error: error.message }, 'the repository lock could not be removed; it will go stale');
      }
    }
  }

  async #beat(): Promise<void> {
    if (!this.signal.aborted && this.#ageMs() >= refreshEveryMs) await this.#refresh();
  }

  /** Never rejects; a lasting failure aborts `signal`. One at a time. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#replace()
      .catch((error: unknown) => {
        this.#ctx.log.warn({ error: errorMessage(error) }, 'the repository lock could not be refreshed');
        const mayPass = isOperationError(error) && error.code !== 'lock-lost';
        if (!mayPass || this.#ageMs() > refreshLimitMs) this.#lose(error);
      })
      .finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  /** Writes the lock anew, then removes the old one, if that was there all the time. */
  async #replace(): Promise<void> {
    if (!(await this.#isThere())) throw removed();
    const now = momentOf(this.#ctx);
    const previous = this.#id;
    const next = await this.#write();
    this.#superseded.push(next);
    if (!(await this.#isThere())) throw removed();
    this.#id = next;
    this.#superseded[this.#superseded.indexOf(next)] = previous;
    this.#refreshed = now;
    for (const id of this.#superseded.slice()) {
      await this.#repository.removeDocument(this.#ctx, 'locks', id);
      this.#superseded.splice(this.#superseded.indexOf(id), 1);
    }
  }

  async #isThere(): Promise<boolean> {
    return (await this.#repository.backend.stat(this.#ctx, `locks/${this.#id}`)) !== undefined;
  }

  /** By whichever clock says more: the monotonic one stands still while a machine sleeps, the other may be set back. */
  #ageMs(): number {
    const now = momentOf(this.#ctx);
    return Math.max(now.monotonicMs - this.#refreshed.monotonicMs, now.wallMs - this.#refreshed.wallMs);
  }

  #lose(cause: unknown): void {
    this.#lost.abort(
      new OperationError('lock-lost', 'the repository lock was lost while we worked', {
        hint: 'was `unlock` run elsewhere, or did this machine sleep? run the command again',
        cause,
      }),
    );
  }
}

interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

function momentOf({ clock }: Context): Moment {
  return { monotonicMs: clock.monotonicMs(), wallMs: clock.now().getTime() };
}

function removed(): OperationError {
  return new OperationError('lock-lost', 'our lock was removed by somebody else');
}
