import { appliedMigrations, changedMigrations, readMigrations } from '../migrations.ts';
import type { Reply } from '../http.ts';
import type { Exchange, Route } from './route.ts';

interface Check {
  readonly verdict: 'ok' | 'degraded' | 'down';
  readonly [fact: string]: unknown;
}

export const healthRoutes: readonly Route[] = [{ method: 'GET', path: /^\/health$/, answer: health }];

/** 503 when a check is down; `degraded` (200) when everything works on data that nobody has added to for long. */
async function health(exchange: Exchange): Promise<Reply> {
  const database = await attempt(() => checkDatabase(exchange));
  const checks = {
    database,
    migrations: await attempt(() => checkMigrations(exchange)),
    freshness: await attempt(() => checkFreshness(exchange)),
  };
  const verdicts = Object.values(checks).map(({ verdict }) => verdict);
  const status = verdicts.includes('down') ? 'down' : verdicts.includes('degraded') ? 'degraded' : 'ok';
  if (status === 'down') exchange.logs.write('error', 'unhealthy', checks);
  return { status: status === 'down' ? 503 : 200, body: { status, checks } };
}

async function checkDatabase({ pool }: Exchange): Promise<Check> {
  const started = performance.now();
  const { rows } = await pool.query<{ version: string; recovering: boolean }>(
    `select current_setting('server_version') as version, pg_is_in_recovery() as recovering`,
  );
  const latencyMs = Math.round(performance.now() - started);
  return { verdict: rows[0]!.recovering ? 'down' : 'ok', latencyMs, ...rows[0] };
}

async function checkMigrations({ pool }: Exchange): Promise<Check> {
  const files = readMigrations();
  const applied = await appliedMigrations(pool);
  const missing = files.map(({ version }) => version).filter((version) => !applied.has(version));
  const changed = changedMigrations(applied, files);
  const version = [...applied.keys()].at(-1) ?? null;
  return { verdict: missing.length + changed.length > 0 ? 'down' : 'ok', version, missing, changed };
}

async function checkFreshness({ pool, settings }: Exchange): Promise<Check> {
  const { rows } = await pool.query<{ latest: Date | null }>('select max(created_at) as latest from public.events');
  const latest = rows[0]?.latest ?? null;
  const ageHours = latest === null ? null : Math.round((Date.now() - latest.getTime()) / 36_000) / 100;
  const isFresh = ageHours !== null && ageHours <= settings.freshnessHours;
  return { verdict: isFresh ? 'ok' : 'degraded', latest, ageHours, limitHours: settings.freshnessHours };
}

async function attempt(check: () => Promise<Check>): Promise<Check> {
  try {
    return await check();
  } catch (error) {
    return { verdict: 'down', error: error instanceof Error ? error.message : String(error) };
  }
}
