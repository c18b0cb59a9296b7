import type { Context } from '../../base/context.ts';
import { OperationError, errorMessage } from '../../base/errors.ts';
import type { SqlConnection } from '../../postgres/sqlConnection.ts';
import { namePattern, sqlStatements, unquoted } from './sqlStatements.ts';

/** What of the globals of a dump a server gets. */
export interface GlobalsPlan {
  readonly statements: readonly string[];
  readonly createdRoles: readonly string[];
  /** Roles that are there already: their attributes, passwords and memberships stay as they are. */
  readonly keptRoles: readonly string[];
  /** Tablespaces of the dumped server; their directories are not ours to make. */
  readonly leftTablespaces: readonly string[];
}

const aboutRole = new RegExp(`^(CREATE ROLE|ALTER ROLE|COMMENT ON ROLE|SECURITY LABEL .*ON ROLE) ${namePattern}`, 's');
const aboutTablespace = new RegExp(`TABLESPACE ${namePattern}`);
/** A membership, or the right to a setting of the server. */
const grantee = new RegExp(`^GRANT .+ TO ${namePattern}(?: WITH .*| GRANTED BY .*)?$`, 's');

/**
 * Splits `globals.sql` into what a server still needs. Roles that exist are left alone, and get no new memberships;
 * settings of single databases come with those.
 */
export function planGlobals(script: string, existing: ReadonlySet<string>): GlobalsPlan {
  const statements: string[] = [];
  const created = new Set<string>();
  const kept = new Set<string>();
  const tablespaces = new Set<string>();
  for (const statement of sqlStatements(script)) {
    const [, verb, word] = aboutRole.exec(statement) ?? [];
    if (verb !== undefined && word !== undefined) {
      const role = unquoted(word);
      if (existing.has(role)) kept.add(role);
      else created.add(role);
      if (!existing.has(role) && !/ IN DATABASE /.test(statement)) statements.push(statement);
    } else if (/^(SET|SELECT) /.test(statement)) {
      continue;
    } else if (/\bTABLESPACE\b/.test(statement) && !/^GRANT \S+ TO/.test(statement)) {
      const name = aboutTablespace.exec(statement)?.[1];
      if (name !== undefined) tablespaces.add(unquoted(name));
    } else {
      const member = grantee.exec(statement)?.[1];
      if (member === undefined || created.has(unquoted(member))) statements.push(statement);
    }
  }
  const names = (set: ReadonlySet<string>) => [...set].toSorted();
  return {
    statements,
    createdRoles: names(created),
    keptRoles: names(kept),
    leftTablespaces: names(tablespaces),
  };
}

/** Makes the roles in one transaction. Throws `restore-incomplete`, without the statement: it may hold a password. */
export async function applyGlobals(ctx: Context, sql: SqlConnection, plan: GlobalsPlan): Promise<void> {
  if (plan.statements.length === 0) return;
  await sql.query('BEGIN');
  try {
    for (const statement of plan.statements) await sql.query(statement);
    await sql.query('COMMIT');
  } catch (error) {
    ctx.signal.throwIfAborted();
    await sql.query('ROLLBACK').catch(() => undefined);
    throw new OperationError('restore-incomplete', `restoring the roles failed: ${errorMessage(error)}`, {
      hint: 'may the role of this connection create roles?',
      cause: error,
    });
  }
  ctx.log.info({ created: plan.createdRoles, kept: plan.keptRoles }, 'restored the roles');
}
