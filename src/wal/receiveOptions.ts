import type { ConnectionOptions } from '../postgres/connectionOptions.ts';
import type { Lsn } from '../postgres/lsn.ts';
import type { SystemIdentifier } from '../postgres/systemIdentifier.ts';
import type { Repository } from '../repository/repository.ts';
import type { ReceiveStatus } from './receiveStatus.ts';

export interface ReceiveWalOptions {
  readonly connection: ConnectionOptions;
  readonly repository: Repository;
  /** Physical replication slot; created when absent. */
  readonly slot: string;
  /** Name for `synchronous_standby_names`; default: the slot's. */
  readonly applicationName?: string;
  /** Local directory, private to this receiver, where WAL is durable before it is in the repository. */
  readonly spoolDirectory: string;
  /** Names the server's cluster, so that it may share the repository with another one. */
  readonly cluster?: SystemIdentifier;
  /** Default: for ever. `caught-up`: up to where the server's WAL ended at the first connection. */
  readonly until?: 'caught-up' | Lsn;
  /** Make a slot that has lost its WAL anew and go on, instead of failing. */
  readonly recreateLostSlot?: boolean;
  /** How often the unfinished segment is stored while it grows; default 2 seconds. */
  readonly partialIntervalMs?: number;
  /** Worker threads for the repository; default one a core. */
  readonly threads?: number;
  /** Told once a second, and at the end. */
  readonly onStatus?: (status: ReceiveStatus) => void;
}
