import { createHash } from 'node:crypto';

/** What a client knows about one transaction that it sent a COMMIT for. Times are `Date.now()` of this machine. */
export interface CommitEntry {
  readonly sequence: number;
  readonly client: number;
  readonly xid: bigint;
  /** Insert position inside the transaction: its commit record begins here or later. */
  readonly lsnBefore: bigint;
  readonly sentAtMs: number;
  /** Insert position after the acknowledgement: its commit record ends here or before. */
  lsnAfter?: bigint;
  /** Absent: in flight, or the connection broke before the answer. */
  ackedAtMs?: number;
}

/** Rows that have to be there, and those that may: nobody outside the server can know (at most one a client). */
export interface ExpectedRows {
  readonly must: ReadonlySet<number>;
  readonly may: ReadonlySet<number>;
}

/** A moment between two commits: `expected` is exact for each of its targets. */
export interface CommitMark {
  readonly time: Date;
  readonly lsn: bigint;
  /** A transaction of its own, the last one committed before the moment; with `inclusive` its row is there. */
  readonly xid: bigint;
  readonly xidSequence: number;
  /** Name of a restore point. */
  readonly name: string;
  readonly expected: ExpectedRows;
}

/** The record of every commit, kept by the clients; the server's word is not asked. */
export class CommitLog {
  readonly entries: CommitEntry[] = [];
  #lastSequence = 0;

  nextSequence(): number {
    this.#lastSequence += 1;
    return this.#lastSequence;
  }

  /** Everything acknowledged must exist, everything sent may: the state after a crash that lost nothing. */
  expectedNow(): ExpectedRows {
    return this.#expected((entry) => (entry.ackedAtMs === undefined ? 'may' : 'must'));
  }

  /** After recovery to a time (inclusive). A commit's own timestamp lies between sending and acknowledgement. */
  expectedAtTime(time: Date): ExpectedRows {
    const targetMs = time.getTime();
    return this.#expected(({ sentAtMs, ackedAtMs }) => {
      if (ackedAtMs !== undefined && ackedAtMs < targetMs) return 'must';
      return sentAtMs > targetMs ? 'absent' : 'may';
    });
  }

  /** After recovery to an LSN. */
  expectedAtLsn(lsn: bigint): ExpectedRows {
    return this.#expected(({ lsnBefore, lsnAfter }) => {
      if (lsnAfter !== undefined && lsnAfter <= lsn) return 'must';
      return lsnBefore > lsn ? 'absent' : 'may';
    });
  }

  /** After recovery to a transaction of this log, which itself is there (`inclusive`) or not. */
  expectedAtXid(xid: bigint, inclusive = true): ExpectedRows {
    const target = this.entries.find((entry) => entry.xid === xid);
    if (target?.lsnAfter === undefined) throw new Error(`transaction ${xid} is not in the log as committed`);
    const { lsnBefore: low, lsnAfter: high } = target;
    return this.#expected((entry) => {
      if (entry === target) return inclusive ? 'must' : 'absent';
      if (entry.lsnAfter !== undefined && entry.lsnAfter <= low) return 'must';
      return entry.lsnBefore >= high ? 'absent' : 'may';
    });
  }

  /** How long before `momentMs` the oldest acknowledged commit was that these rows lack; 0 when none is missing. */
  lossMs(present: ReadonlySet<number>, momentMs: number): number {
    const lost = this.entries.filter((entry) => entry.ackedAtMs !== undefined && !present.has(entry.sequence));
    return Math.max(0, ...lost.map((entry) => momentMs - (entry.ackedAtMs ?? momentMs)));
  }

  #expected(judge: (entry: CommitEntry) => 'must' | 'may' | 'absent'): ExpectedRows {
    const must = new Set<number>();
    const may = new Set<number>();
    for (const entry of this.entries) {
      const verdict = judge(entry);
      if (verdict === 'must') must.add(entry.sequence);
      if (verdict === 'may') may.add(entry.sequence);
    }
    return { must, may };
  }
}

/** The row's content follows from its number, so that a changed byte is noticed without a second copy. */
export function payloadOf(sequence: number, sizeBytes: number): string {
  const digest = createHash('sha256').update(String(sequence)).digest('hex');
  return digest.repeat(Math.ceil(sizeBytes / digest.length)).slice(0, sizeBytes);
}
