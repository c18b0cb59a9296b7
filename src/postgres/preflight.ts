import type { Context } from '../base/context.ts';
import { errorMessage, isOperationError } from '../base/errors.ts';
import { readReplicationSlots, readRole, readServerFacts, readSettings } from './catalog.ts';
import type { ConnectionOptions } from './connectionOptions.ts';
import { accessChecks } from './preflight/accessChecks.ts';
import type { Check, CheckStatus, Subject } from './preflight/check.ts';
import { clusterChecks } from './preflight/clusterChecks.ts';
import { hostChecks } from './preflight/hostChecks.ts';
import { walChecks } from './preflight/walChecks.ts';
import { openSqlConnection, type SqlConnection } from './sqlConnection.ts';
import type { SystemIdentifier } from './systemIdentifier.ts';

export interface PreflightOptions {
  /** How base backups are taken: reading the files on this machine, or BASE_BACKUP over the network. */
  readonly method: 'files' | 'stream';
  /** How WAL gets into the archive: our receiver, archive_command, or not at all. */
  readonly wal: 'receive' | 'push' | 'none';
  /** Slot of the receiver; it need not exist yet. */
  readonly slotName?: string;
  /** The cluster that the repository belongs to. */
  readonly expectedSystemIdentifier?: SystemIdentifier;
}

export interface PreflightCheck {
  readonly name: string;
  readonly status: CheckStatus;
  readonly found: string;
  readonly expected: string;
  readonly hint?: string;
}

const checks: readonly Check[] = [...clusterChecks, ...accessChecks, ...walChecks, ...hostChecks];

/**
 * Checks everything about a server that can make physical backups or WAL archiving fail, or make them worth less than
 * they look. Changes nothing. Never throws for what it finds: a server that cannot be reached is a failed check, a
 * check that could not find out is `inconclusive`.
 */
export async function preflight(
  ctx: Context,
  connection: ConnectionOptions,
  options: PreflightOptions,
): Promise<readonly PreflightCheck[]> {
  try {
    await using sql = await openSqlConnection(ctx, connection);
    const subject = await readSubject(sql, connection, options);
    const results: PreflightCheck[] = [];
    for (const check of checks) {
      const result = await runCheck(ctx, check, subject);
      if (result !== undefined) results.push(result);
    }
    return results;
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (!isOperationError(error)) throw error;
    return [{ name: 'connection', status: 'failed', expected: 'a login', found: error.message, ...hintOf(error) }];
  }
}

async function readSubject(
  sql: SqlConnection,
  connection: ConnectionOptions,
  options: PreflightOptions,
): Promise<Subject> {
  return {
    sql,
    connection,
    options,
    server: await readServerFacts(sql),
    settings: await readSettings(sql),
    slots: await readReplicationSlots(sql),
    role: await readRole(sql),
  };
}

async function runCheck(ctx: Context, check: Check, subject: Subject): Promise<PreflightCheck | undefined> {
  const { name, expected } = check;
  try {
    const finding = await check.run(subject, ctx);
    return finding === undefined ? undefined : { name, expected, ...finding };
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (!isOperationError(error)) throw error;
    return { name, expected, status: 'inconclusive', found: errorMessage(error), ...hintOf(error) };
  }
}

function hintOf({ hint }: { readonly hint: string | undefined }): { hint?: string } {
  return hint === undefined ? {} : { hint };
}
