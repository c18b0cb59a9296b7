import type { Context } from '../../base/context.ts';
import { formatDuration } from '../../base/duration.ts';
import { isOperationError, OperationError } from '../../base/errors.ts';
import { limitTime } from '../../base/limitTime.ts';
import { openSqlConnection, type SqlConnection, type SqlTable } from '../../postgres/sqlConnection.ts';
import type { Outcome } from '../proof/checkList.ts';
import { blamesMachine, serverWords } from '../proof/fault.ts';
import type { SqlAssertion } from './assertion.ts';
import type { RestoredApplication } from './checkApplication.ts';
import { findLogin, type Login } from './login.ts';

const expected = 'true';
/** How much longer than the server we wait ourselves: it does not look at the time in every loop. */
const graceMs = 10_000;
/** Nobody else uses what was restored for long. */
const longestLockWaitMs = 30_000;

const typeOids = {
  boolean: 16,
  numbers: [20, 21, 23, 700, 701, 1700],
  times: [1082, 1114, 1184],
};

/** Asks one question of a restored database. The answer itself is told only when it is no content. */
export async function askAssertion(
  ctx: Context,
  assertion: SqlAssertion,
  { server }: RestoredApplication,
): Promise<Outcome> {
  if (server === undefined) {
    throw new OperationError('usage', 'only restored databases can be asked', { hint: 'assert with a `command`' });
  }
  const { timeoutMs } = assertion;
  using limited = limitTime(ctx, timeoutMs + graceMs);
  try {
    const login = await findLogin(limited.ctx, server, assertion);
    await using sql = await openSqlConnection(limited.ctx, login.connection);
    await prepare(sql, login, timeoutMs);
    return judgeAnswer(await answerOf(sql, assertion));
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (limited.ctx.signal.aborted) return outOfTime(timeoutMs);
    if (!isOperationError(error)) throw error;
    return outcomeOfAnswer(error, timeoutMs);
  }
}

/** What the role, the database and the cluster say about sessions is in force, but nothing may be changed. */
async function prepare(sql: SqlConnection, { takeOn }: Login, timeoutMs: number): Promise<void> {
  await sql.query('RESET ALL');
  if (takeOn !== undefined)
    await sql.query(`SELECT pg_catalog.set_config('session_authorization', $1, false)`, [takeOn]);
  await sql.query('BEGIN READ ONLY');
  await sql.query(
    `SELECT pg_catalog.set_config('statement_timeout', $1, true), pg_catalog.set_config('lock_timeout', $2, true)`,
    [String(timeoutMs), String(Math.min(timeoutMs, longestLockWaitMs))],
  );
}

/** A cursor takes queries only, and two rows of any number are enough to judge. */
async function answerOf(sql: SqlConnection, assertion: SqlAssertion): Promise<SqlTable> {
  await sql.queryTable(`DECLARE understudy_answer NO SCROLL CURSOR FOR ${assertion.sql}`);
  return sql.queryTable('FETCH 2 FROM understudy_answer');
}

function judgeAnswer({ columns, rows }: SqlTable): Outcome {
  const [row] = rows;
  const [type = 0] = columns;
  if (columns.length !== 1) return failed(`an answer of ${columns.length} columns`);
  if (row === undefined) return failed('no row');
  if (rows.length > 1) return failed('several rows');
  const [value] = row;
  if (value === null) return failed('null');
  if (type === typeOids.boolean)
    return value === true ? { status: 'passed', expected, actual: 'true' } : failed('false');
  return failed(`${toldValue(type, value)}, which is no boolean`);
}

/** Numbers and times are told, as they are mostly sums; everything else may be content. */
function toldValue(type: number, value: unknown): string {
  const isTold = [...typeOids.numbers, ...typeOids.times].includes(type);
  if (!isTold) return 'a value';
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
}

function outcomeOfAnswer(error: OperationError, timeoutMs: number): Outcome {
  const { sqlstate } = error.detail;
  if (sqlstate === '57014') return outOfTime(timeoutMs);
  if (typeof sqlstate !== 'string' || blamesMachine(error)) throw error;
  // errors of class 22 repeat the values that they are about
  const words = serverWords(error);
  return failed(sqlstate.startsWith('22') ? words.replace(/(["']).*\1/g, '$1...$1') : words);
}

function outOfTime(timeoutMs: number): Outcome {
  return failed(`no answer within ${formatDuration(timeoutMs)}`);
}

function failed(actual: string): Outcome {
  return { status: 'failed', expected, actual };
}
