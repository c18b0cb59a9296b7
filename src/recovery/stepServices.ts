import type { Context } from '../base/context.ts';
import type { ConnectionOptions } from '../postgres/connectionOptions.ts';
import type { OsUser } from '../postgres/runProgram.ts';
import type { Repository } from '../repository/repository.ts';
import type { RestoredTable } from '../restore/applyTableRestore.ts';
import type { RecoveryPlan } from '../restore/planRecovery.ts';
import type { TableRestoreOptions } from '../restore/planTableRestore.ts';

/** How a recovering server fetches WAL. */
export interface WalAccess {
  /** For `restore_command`. */
  readonly command: string;
  /** The key of the repository has to be left where the command finds it. */
  readonly storeKey: boolean;
}

/** Tables to bring back, and where from. */
export interface TablesRequest extends Pick<TableRestoreOptions, 'tables' | 'target' | 'as' | 'replace'> {
  readonly source?: string | undefined;
  readonly snapshot?: string | undefined;
  /** With a zone, or `latest`: from a physical backup, as at this moment. Undefined: from a dump. */
  readonly time?: string | undefined;
  /** Into a copy of the database beside the recovered one, which is removed: nothing else is touched. Needs `time`. */
  readonly sandbox: boolean;
  readonly from?: string | undefined;
}

/** Tables that came back. */
export interface TablesRestored {
  readonly snapshot: string;
  readonly consistentAt: string;
  readonly tables: readonly RestoredTable[];
  /** Indexes and constraints that the tables should have and that could not be made. */
  readonly unmade: readonly string[];
}

/** What steps need of the program around them. Each is asked for only when a step needs it. */
export interface StepServices {
  /** Throws what opening a repository throws. */
  repository(ctx: Context): Promise<Repository>;
  /** The login to a configured source. Throws `not-found`. */
  connection(source: string): Promise<ConnectionOptions>;
  walAccess(ctx: Context, plan: RecoveryPlan, owner: OsUser | undefined): Promise<WalAccess>;
  restoreTables(ctx: Context, repository: Repository, request: TablesRequest): Promise<TablesRestored>;
  /** Directories with server programs that come before the usual places. */
  postgresBinaries(): Promise<readonly string[]>;
}
