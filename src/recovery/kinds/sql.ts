import { z } from 'zod';
import type { Context } from '../../base/context.ts';
import { OperationError, isOperationError } from '../../base/errors.ts';
import { parseConnectionUri, type ConnectionOptions } from '../../postgres/connectionOptions.ts';
import { openSqlConnection, type SqlRow } from '../../postgres/sqlConnection.ts';
import { planDuration } from '../planDocument.ts';
import { defineStepKind, type StepEnvironment } from '../stepKind.ts';

const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** Runs one statement, and looks at what it returns. */
export const sqlKind = defineStepKind({
  name: 'sql',
  shape: {
    connection: z.string().min(1).optional().describe('Connection URI; the place for a secret parameter.'),
    source: z.string().min(1).optional().describe('Name of a configured source, instead of `connection`.'),
    statement: z.string().min(1).describe('One SQL statement.'),
    write: z.boolean().default(false).describe('Whether it may change anything; else the transaction is read-only.'),
    statementTimeout: planDuration().prefault('5m').describe('The server gives the statement up after this time.'),
    expect: z
      .strictObject({
        rows: z.int().min(0).optional().describe('Number of rows that it returns.'),
        value: scalar.optional().describe('First value of the first row.'),
        atLeast: z.number().optional().describe('The first value of the first row is at least this number.'),
      })
      .default({})
      .describe('What must come back; else the step has failed.'),
  },
  secretKeys: ['connection'],
  repeatable: ({ write }) => !write,
  check: ({ connection, source }) =>
    (connection === undefined) === (source === undefined)
      ? [{ path: [], message: 'it takes either `connection` or `source`' }]
      : [],
  run: async (ctx, options, step) => {
    const rows = await runStatement(ctx, options, await login(options, step));
    const actual = firstValue(rows);
    requireExpected(options.expect, { rows: rows.length, actual });
    return {
      summary: `the statement returned ${rows.length === 1 ? '1 row' : `${rows.length} rows`}`,
      facts: { rows: rows.length, ...(options.expect.atLeast === undefined ? {} : { value: Number(actual) }) },
    };
  },
  byHand: ({ connection, statement }) =>
    `psql "${connection ?? '<connection>'}" -c '${statement.replaceAll("'", `'\\''`)}'`,
});

interface Statement {
  readonly statement: string;
  readonly write: boolean;
  readonly statementTimeout: number;
}

async function login(
  { connection, source }: { readonly connection?: string | undefined; readonly source?: string | undefined },
  step: StepEnvironment,
): Promise<ConnectionOptions> {
  if (source !== undefined) return step.services.connection(source);
  return parseConnectionUri(step.fill(connection ?? '').reveal());
}

/** The transaction is read-only by the session too, so that a COMMIT in the statement frees nothing. */
async function runStatement(
  ctx: Context,
  { statement, write, statementTimeout }: Statement,
  connection: ConnectionOptions,
): Promise<readonly SqlRow[]> {
  await using session = await openSqlConnection(ctx, connection);
  await session.query('RESET search_path');
  await session.query(`SET statement_timeout = ${statementTimeout}`);
  if (!write) await session.query('SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY');
  await session.query('BEGIN');
  let rows: readonly SqlRow[] | undefined;
  try {
    rows = await session.query(statement);
    await session.query('COMMIT');
  } catch (error) {
    throw withoutRows(error);
  }
  if (rows !== undefined) return rows;
  throw new OperationError('plan-invalid', 'a step of kind sql takes one statement, and this is more than one', {
    hint: 'make a step of each',
  });
}

/** What the server says of data (SQLSTATE 22, 23) quotes it, and errors end in journal and evidence. */
function withoutRows(error: unknown): unknown {
  if (!isOperationError(error)) return error;
  const sqlstate = String(error.detail['sqlstate']);
  if (!/^2[23]/.test(sqlstate)) return error;
  return new OperationError('step-failed', `PostgreSQL rejects what the statement does: SQLSTATE ${sqlstate}`, {
    hint: 'its message may quote rows, and is not kept: try the statement by hand',
  });
}

function firstValue([row]: readonly SqlRow[]): unknown {
  return row === undefined ? undefined : Object.values(row)[0];
}

interface Expected {
  readonly rows?: number | undefined;
  readonly value?: string | number | boolean | undefined;
  readonly atLeast?: number | undefined;
}

/** Texts of the database are not repeated in messages: those end in journal and evidence. */
function requireExpected(
  expect: Expected,
  { rows, actual }: { readonly rows: number; readonly actual: unknown },
): void {
  const shown = ['number', 'bigint', 'boolean'].includes(typeof actual) ? String(actual) : 'another value';
  if (expect.rows !== undefined && rows !== expect.rows) {
    throw unexpected(`expected ${expect.rows} rows, found ${rows}`);
  }
  if (expect.value !== undefined && String(actual) !== String(expect.value)) {
    throw unexpected(`expected ${String(expect.value)}, found ${rows === 0 ? 'no row' : shown}`);
  }
  if (expect.atLeast !== undefined && !(Number(actual) >= expect.atLeast)) {
    throw unexpected(`expected at least ${expect.atLeast}, found ${rows === 0 ? 'no row' : shown}`);
  }
}

function unexpected(difference: string): OperationError {
  return new OperationError('step-failed', `the statement returned something else: ${difference}`, {
    hint: 'is this the database that was meant, and is it complete?',
  });
}
