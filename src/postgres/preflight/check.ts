import type { Context } from '../../base/context.ts';
import type { ReplicationSlot, RoleFacts, ServerFacts, ServerSettings } from '../catalog.ts';
import type { ConnectionOptions } from '../connectionOptions.ts';
import type { PreflightOptions } from '../preflight.ts';
import type { SqlConnection } from '../sqlConnection.ts';

/**
 * `ok`; `warning`: it works, but with a risk; `failed`: it cannot work, or loses data;
 * `inconclusive`: the check could not find out.
 */
export type CheckStatus = 'ok' | 'warning' | 'failed' | 'inconclusive';

export interface Finding {
  readonly status: CheckStatus;
  /** What is there, for a person. */
  readonly found: string;
  /** The next step; a good finding may carry advice too. */
  readonly hint?: string;
}

/** What all checks look at: read once. */
export interface Subject {
  readonly sql: SqlConnection;
  readonly connection: ConnectionOptions;
  readonly options: PreflightOptions;
  readonly server: ServerFacts;
  readonly settings: ServerSettings;
  readonly slots: readonly ReplicationSlot[];
  readonly role: RoleFacts;
}

/** One check. `run` answers undefined where it does not apply, and throws when it could not find out. */
export interface Check {
  readonly name: string;
  readonly expected: string;
  readonly run: (subject: Subject, ctx: Context) => Finding | undefined | Promise<Finding | undefined>;
}

export function ok(found: string, hint?: string): Finding {
  return { status: 'ok', found, ...(hint === undefined ? {} : { hint }) };
}

export function warning(found: string, hint: string): Finding {
  return { status: 'warning', found, hint };
}

export function failed(found: string, hint: string): Finding {
  return { status: 'failed', found, hint };
}

export function inconclusive(found: string, hint: string): Finding {
  return { status: 'inconclusive', found, hint };
}

/** True when the plan needs a replication connection. */
export function streams({ options }: Subject): boolean {
  return options.method === 'stream' || options.wal === 'receive';
}
