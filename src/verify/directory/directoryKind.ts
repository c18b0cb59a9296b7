import type { Context } from '../../base/context.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Outcome } from '../proof/checkList.ts';
import type { TreeContents } from './treeContents.ts';

/** A snapshot whose trees and record were read. */
export interface Loaded<SourceRecord> {
  readonly record: SourceRecord;
  readonly contents: TreeContents;
}

/** What was restored of it. */
export interface Restored<SourceRecord> extends Loaded<SourceRecord> {
  /** With what was backed up. */
  readonly directory: string;
  /** Ours alone; goes with what was restored. */
  readonly scratch: string;
}

/** A further check of what was restored. */
export interface RestoredCheck<SourceRecord> {
  readonly name: string;
  readonly run: (ctx: Context, restored: Restored<SourceRecord>) => Promise<Outcome>;
}

/** What is peculiar to a kind of source whose snapshots are restored to a directory. */
export interface DirectoryKind<SourceRecord> {
  /** In the snapshot: what holds what was backed up, beside the record. */
  readonly directoryName: string;
  /** Throws `repository-damaged`, `repository-unsupported`. */
  readonly parse: (json: Buffer) => SourceRecord;
  /** What the record alone says that a person should know. */
  readonly describe: (loaded: Loaded<SourceRecord>) => Outcome;
  /** Where the record and the trees disagree, a line for each. */
  readonly compare: (ctx: Context, repository: Repository, loaded: Loaded<SourceRecord>) => Promise<string[]>;
  /** Path below `directoryName` from which on it is restored; empty for all. */
  readonly start: (record: SourceRecord) => string;
  /** `ours`: what is restored belongs to us, whoever it belonged to. */
  readonly owner: 'stored' | 'ours';
  readonly restoredChecks: readonly RestoredCheck<SourceRecord>[];
  /** Where the user's commands run. */
  readonly workingDirectory: (restored: Pick<Restored<SourceRecord>, 'directory' | 'scratch'>) => string;
}
