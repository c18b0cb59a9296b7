import type { SourceKind } from '../backup/sourceSnapshot.ts';
import type { Verdict } from '../verify/proof.ts';

/** What is there, gathered at one moment. `judge` makes findings of it; nothing here is an opinion. */
export interface RepositoryFacts {
  /** Sources of which there is at least one backup, by name. */
  readonly sources: readonly SourceFacts[];
  /** Snapshots of other clients, or whose tags a stock client took away. */
  readonly foreignSnapshots: number;
  /** Snapshot files that cannot be read. */
  readonly unreadableSnapshots: number;
  /** Undefined when nobody asked for it. */
  readonly storage: StorageFacts | undefined;
}

export interface SourceFacts {
  readonly source: string;
  readonly kind: SourceKind;
  /** All that the repository holds. */
  readonly backupCount: number;
  readonly firstBackup: Date;
  /** Newest first: those that were looked at, which the newest ones are. */
  readonly backups: readonly BackupFacts[];
  /** The proof that counts (`proofFacts.ts`), and the newest of any verdict. */
  readonly verified: ProofFacts | undefined;
  readonly lastProof: ProofFacts | undefined;
  /** Of the newest recovery that was rehearsed, in milliseconds. */
  readonly recovery: { readonly durationMs: number; readonly at: Date } | undefined;
  /** Of clusters whose server was asked and answered. */
  readonly server: ServerState | undefined;
  /** Of clusters of which WAL is archived. */
  readonly wal: WalFacts | { readonly unreadable: string } | undefined;
  /** Per rule of its retention; empty without one. */
  readonly slots: readonly SlotFacts[];
  /** Why nothing of it is forgotten. */
  readonly held: string | undefined;
}

export interface BackupFacts {
  readonly id: string;
  /** What it stands for: when it was taken, never when it was finished. Of a cluster, where its recovery ends. */
  readonly time: Date;
  /** Restored, not stored. */
  readonly sizeBytes: number | undefined;
  /** Why one must not count on it. */
  readonly flaw: { readonly reason: string; readonly partial: boolean } | undefined;
}

export interface ProofFacts {
  readonly snapshot: string | undefined;
  readonly verdict: Verdict;
  readonly level: number;
  readonly at: Date;
}

/** The WAL of the cluster that the newest good backup is of. LSNs as text. */
export interface WalFacts {
  readonly segments: number;
  readonly storedBytes: number;
  /** How far the newest good backup can be recovered. */
  readonly window: {
    readonly begin: Date;
    readonly endLsn: string;
    /** Of the last commit in it; undefined where no commit is near. */
    readonly lastCommit: Date | undefined;
  };
  readonly newest: { readonly lsn: string; readonly storedAt: Date } | undefined;
  /** WAL that is missing before later WAL, in words. */
  readonly gaps: readonly string[];
  /** True when one of them lies behind every backup: the present cannot be recovered. */
  readonly backupNeeded: boolean;
  /** True when archived WAL ends before the newest good backup does. */
  readonly behindBackup: boolean;
  readonly server: ServerFacts;
}

/**
 * What the server said of the WAL it has written. `all-archived`: the archive had all of it when it was asked.
 * `at-most`: it hands over in time, so that what is not there yet is younger than `archiveTimeoutMs`.
 * `when-full`: without archive_timeout it hands over a segment only when that is full, however long that takes.
 */
export type ServerFacts =
  | { readonly state: 'not-asked' | 'behind' | 'when-full' }
  | { readonly state: 'all-archived' }
  | { readonly state: 'at-most'; readonly archiveTimeoutMs: number }
  | { readonly state: 'unreachable'; readonly reason: string };

/** What a server says of itself. */
export interface ServerState {
  /** True when the newest good backup is of another cluster: nothing that this one holds is backed up. */
  readonly isAnotherCluster: boolean;
  /** Set when handing over WAL failed and has not succeeded since. */
  readonly archivingFails: ArchivingFailure | undefined;
}

export interface ArchivingFailure {
  readonly segment: string;
  /** When it last succeeded, since the server's statistics began. */
  readonly lastSuccess: Date | undefined;
  /** Undefined when the role may not know. */
  readonly waitingFiles: number | undefined;
}

/** One rule of a retention policy. */
export interface SlotFacts {
  readonly rule: string;
  readonly unit: 'last' | 'hour' | 'day' | 'week' | 'month' | 'year';
  readonly filled: number;
  /** How many it promises; undefined for a span or without limit. */
  readonly wanted: number | undefined;
  /** Periods that are over, in its reach and in the life of the source, without a backup; the newest first. */
  readonly missing: readonly string[];
  /** Whether the period that ended last is one of them. */
  readonly lastIsMissing: boolean;
}

export interface StorageFacts {
  readonly location: string;
  readonly totalBytes: number;
  readonly walBytes: number;
  /** Written within the last days and still there; undefined where storage does not tell when. */
  readonly written: { readonly last7Days: number; readonly last30Days: number } | undefined;
}
