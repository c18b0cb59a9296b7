/** `npm run smoke`: starts the application as it is configured and asks for a little of everything; changes nothing. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPool } from '../src/database.ts';
import { LogFiles } from '../src/logFiles.ts';
import { makeServer } from '../src/server.ts';
import { loadSettings } from '../src/settings.ts';

const settings = loadSettings();
const directory = mkdtempSync(join(tmpdir(), 'scenescout-smoke-'));
const logs = new LogFiles(directory);
const pool = openPool(settings.databaseUrl);
const server = makeServer({ settings, pool, logs }).listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
const port = typeof address === 'object' ? address?.port : undefined;

/** @type {[path: string, status: number][]} */
const questions = [
  ['/health', 200],
  ['/events?limit=5', 200],
  ['/events/search?q=jazz', 200],
  ['/venues', 200],
  ['/me', 401],
  ['/nowhere', 404],
];

let failures = 0;
try {
  for (const [path, expected] of questions) {
    const { status } = await fetch(`http://127.0.0.1:${port}${path}`);
    if (status !== expected) failures++;
    console.log(`${status === expected ? 'ok    ' : 'FAILED'} ${path}: ${status}, expected ${expected}`);
  }
} finally {
  server.close();
  await pool.end();
  logs[Symbol.dispose]();
  rmSync(directory, { recursive: true });
}
process.exitCode = failures === 0 ? 0 : 1;
