import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { openPool } from '../src/database.ts';
import { LogFiles } from '../src/logFiles.ts';
import { makeServer } from '../src/server.ts';
import { loadSettings, type Settings } from '../src/settings.ts';

export interface RunningApplication extends AsyncDisposable {
  readonly url: string;
  readonly pool: pg.Pool;
  readonly settings: Settings;
  readonly logDirectory: string;
  /** JSON in, JSON out. */
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>;
}

export interface AskOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  // tests look into it freely
  readonly body: Record<string, unknown>;
}

/** The application on the database of DATABASE_URL and a free port. Tests remove from the database what they add. */
export async function startApplication(): Promise<RunningApplication> {
  // a restored copy has no .env of its own: the secrets do not matter here
  process.env['SESSION_SECRET'] ??= 'a secret of the tests, 32 characters';
  process.env['INGEST_TOKEN'] ??= 'a token of the tests';
  const settings = loadSettings();
  const logDirectory = mkdtempSync(join(tmpdir(), 'scenescout-test-'));
  const logs = new LogFiles(logDirectory);
  const pool = openPool(settings.databaseUrl);
  const server = makeServer({ settings, pool, logs }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  return {
    url,
    pool,
    settings,
    logDirectory,
    ask: (method, path, options) => ask(method, url + path, options),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await pool.end();
      logs[Symbol.dispose]();
      rmSync(logDirectory, { recursive: true });
    },
  };
}

async function ask(method: string, url: string, options: AskOptions = {}): Promise<Answer> {
  const { body, headers } = options;
  const sent = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(url, { method, headers: { ...headers }, ...(body === undefined ? {} : { body: sent }) });
  const answer = await response.text();
  return { status: response.status, body: answer === '' ? {} : (JSON.parse(answer) as Record<string, unknown>) };
}
