import type { Context } from '../../base/context.ts';
import type { Lsn } from '../../postgres/lsn.ts';
import type { ReceiveStatus } from '../receiveStatus.ts';

export type Positions = Pick<
  ReceiveStatus,
  | 'state'
  | 'timeline'
  | 'serverLsn'
  | 'receivedLsn'
  | 'flushedLsn'
  | 'archivedLsn'
  | 'segmentsArchived'
  | 'gaps'
  | 'problem'
>;

/** Adds to positions what needs a memory: rate and age of the lag. */
export class StatusMeter {
  readonly #ctx: Context;
  #before: { readonly atMs: number; readonly lsn: Lsn } | undefined;
  #completeAtMs: number;

  constructor(ctx: Context) {
    this.#ctx = ctx;
    this.#completeAtMs = ctx.clock.monotonicMs();
  }

  measure(positions: Positions): ReceiveStatus {
    const nowMs = this.#ctx.clock.monotonicMs();
    const { serverLsn, archivedLsn, receivedLsn } = positions;
    const lagBytes =
      serverLsn === undefined || archivedLsn === undefined || serverLsn < archivedLsn ? 0n : serverLsn - archivedLsn;
    if (lagBytes === 0n) this.#completeAtMs = nowMs;
    const bytesPerSecond = this.#rate(nowMs, receivedLsn);
    return { ...positions, lagBytes, lagSeconds: (nowMs - this.#completeAtMs) / 1000, bytesPerSecond };
  }

  #rate(atMs: number, lsn: Lsn | undefined): number {
    const before = this.#before;
    if (lsn === undefined) return 0;
    this.#before = { atMs, lsn };
    if (before === undefined || lsn < before.lsn || atMs <= before.atMs) return 0;
    return Math.round((Number(lsn - before.lsn) / (atMs - before.atMs)) * 1000);
  }
}
