#!/usr/bin/env node
/**
 * Does the data agree with itself? `node scripts/verify-data-integrity.js [--json]`, on the database of DATABASE_URL,
 * in one read-only snapshot. Exit status 1 when a check finds something or cannot run.
 */
import { parseArgs } from 'node:util';
import pg from 'pg';
import { appliedMigrations, changedMigrations, readMigrations } from '../src/migrations.ts';
import { loadSettings } from '../src/settings.ts';
import { countQueries, integrityChecks } from './integrity-checks.mjs';

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const db = new pg.Client({ connectionString: loadSettings().databaseUrl });
await db.connect();
try {
  await db.query('begin isolation level repeatable read, read only');
  /** @type {{ check: string, verdict: 'ok' | 'FAILED', found: unknown }[]} */
  const results = [await check('migrations are those of the files', migrationProblems)];
  for (const [name, text] of Object.entries(integrityChecks)) {
    results.push(await check(name, async () => (await db.query(text)).rows));
  }
  const counts = (await db.query(countQueries.totals)).rows;
  const bySource = (await db.query(countQueries.bySource)).rows;
  await db.query('commit');
  if (values.json) console.log(JSON.stringify({ results, counts, bySource }));
  else print(results, counts, bySource);
  process.exitCode = results.every(({ verdict }) => verdict === 'ok') ? 0 : 1;
} finally {
  await db.end();
}

/**
 * @param {string} name
 * @param {() => Promise<unknown[]>} findProblems
 * @returns {Promise<{ check: string, verdict: 'ok' | 'FAILED', found: unknown }>}
 */
async function check(name, findProblems) {
  await db.query('savepoint check_begins');
  try {
    const problems = await findProblems();
    return { check: name, verdict: problems.length === 0 ? 'ok' : 'FAILED', found: problems.slice(0, 5) };
  } catch (error) {
    await db.query('rollback to savepoint check_begins');
    return { check: name, verdict: 'FAILED', found: String(error) };
  }
}

async function migrationProblems() {
  const files = readMigrations();
  const applied = await appliedMigrations(db);
  const missing = files.filter(({ version }) => !applied.has(version)).map(({ version }) => version);
  return [...missing, ...changedMigrations(applied, files)];
}

/**
 * @param {{ check: string, verdict: string, found: unknown }[]} results
 * @param {Record<string, unknown>[]} counts
 * @param {Record<string, unknown>[]} bySource
 */
function print(results, counts, bySource) {
  for (const { check: name, verdict, found } of results) {
    console.log(`${verdict.padEnd(6)} ${name}${verdict === 'ok' ? '' : `: ${JSON.stringify(found)}`}`);
  }
  console.table(counts);
  console.table(bySource);
}
