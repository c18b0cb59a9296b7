import type { Proof } from '../verify/proof.ts';
import type { Evidence } from './evidenceSchema.ts';

/** Somebody to call, as the configuration names them. */
export interface Contact {
  readonly name: string;
  readonly role: string;
  readonly phone: string | null;
  readonly email: string | null;
}

/** A source of the configuration. */
export interface KnownSource {
  readonly name: string;
  readonly kind: string;
  readonly tier: string | null;
  /** Of its connection; null for a source without one. */
  readonly tlsMode: string | null;
}

/** What the repository says about a snapshot that was restored. */
export type BackupFacts = Pick<
  Evidence['backups'][number],
  | 'backupKind'
  | 'source'
  | 'systemIdentifier'
  | 'serverVersion'
  | 'timeline'
  | 'startLsn'
  | 'stopLsn'
  | 'completedAt'
  | 'sizeBytes'
  | 'contentDigest'
  | 'candidates'
> & { readonly databases: readonly string[] | null };

/** The repository as it was when the evidence was made. */
export interface RepositorySight {
  readonly location: string;
  readonly medium: string;
  readonly keyId: string;
  readonly openedAt: string;
  /** By whole id. */
  readonly backups: ReadonlyMap<string, BackupFacts>;
  /** Of the snapshots that were restored, newest first. */
  readonly proofs: readonly Proof[];
  readonly retention: NonNullable<Evidence['retention']> | null;
  /** Of the same plan, oldest first, with what people have said since. */
  readonly earlier: readonly Evidence[];
  readonly previous: Evidence['integrity']['previous'];
}

/** What the evidence says beside what the journal knows. */
export interface Surroundings {
  readonly contacts: readonly Contact[];
  readonly organisation: string | null;
  readonly environment: string | null;
  readonly policyDigest: string | null;
  readonly sources: readonly KnownSource[];
  /** A reason when the repository was not read. */
  readonly repository: RepositorySight | { readonly notRead: string };
  readonly signingKeyId: string | null;
  readonly tools: Readonly<Record<string, string>>;
}
