import type { Cluster } from '../../../src/testing/postgresServer.ts';
import type { Command } from '../command.ts';
import type { Work } from '../measure.ts';
import type { CaseName } from '../options.ts';
import type { Program } from '../program.ts';
import type { Workspace } from '../workspace.ts';

/** What a tool is given to work on. */
export interface Subject {
  readonly workspace: Workspace;
  readonly cluster: Cluster;
  /** Ourselves. */
  readonly program: Program;
  /** Runs a command that is not measured, as the user of the cluster. */
  readonly run: (command: Command) => Promise<string>;
}

/** A program that backs up a cluster, with settings and a place of its own. */
export interface BackupTool {
  /** As it stands in the tables. */
  readonly name: string;
  /** The cases in which it takes part. */
  readonly cases: readonly CaseName[];
  /** Directory that holds what it stores. */
  readonly repository: string;
  /** Makes the repository anew, empty. */
  createRepository(): Promise<void>;
  /** The first backup of a repository, and those after it. */
  readonly fullBackup: Work;
  readonly nextBackup?: Work;
  /** Restores the newest backup into an empty directory, durably. */
  restore?(destination: string): Work;
  /** Restores it over an earlier restore. */
  deltaRestore?(destination: string): Work;
  /** Reads and checks all that is stored. */
  readonly verify?: Work;
  /** Where the data directory is after a restore; default the destination. */
  restoredIn?(destination: string): string;
}
