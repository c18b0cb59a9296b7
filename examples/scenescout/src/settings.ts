import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadEnvFile } from 'node:process';

export interface Settings {
  readonly databaseUrl: string;
  readonly host: string;
  readonly port: number;
  readonly logDirectory: string;
  readonly pidFile: string | undefined;
  /** Key that signs session tokens. */
  readonly sessionSecret: string;
  /** What a source shows to `POST /ingest/:source`. */
  readonly ingestToken: string;
  /** Older than this, the newest event makes the health `degraded`. */
  readonly freshnessHours: number;
}

/** The directory of package.json. */
export const projectDirectory = resolve(import.meta.dirname, '..');

/** Variables of the environment win over those of `.env`. */
export function loadSettings(): Settings {
  const file = resolve(projectDirectory, '.env');
  if (existsSync(file)) loadEnvFile(file);
  return {
    databaseUrl: required('DATABASE_URL'),
    host: process.env['HOST'] ?? '127.0.0.1',
    port: Number(process.env['PORT'] ?? 8080),
    logDirectory: resolve(projectDirectory, process.env['LOG_DIR'] ?? 'logs'),
    pidFile: process.env['PID_FILE'] === undefined ? undefined : resolve(projectDirectory, process.env['PID_FILE']),
    sessionSecret: required('SESSION_SECRET'),
    ingestToken: required('INGEST_TOKEN'),
    freshnessHours: Number(process.env['FRESHNESS_HOURS'] ?? 24),
  };
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set: see .env.example`);
  return value;
}
