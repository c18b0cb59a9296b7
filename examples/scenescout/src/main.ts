import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { openPool } from './database.ts';
import { LogFiles } from './logFiles.ts';
import { makeServer } from './server.ts';
import { loadSettings } from './settings.ts';

const settings = loadSettings();
using logs = new LogFiles(settings.logDirectory);
const pool = openPool(settings.databaseUrl);
pool.on('error', (error) => logs.error('an idle database connection ended', error));
const server = makeServer({ settings, pool, logs });

process.on('SIGHUP', () => {
  logs.reopen();
  logs.write('application', 'log files reopened');
});

server.listen(settings.port, settings.host);
await once(server, 'listening');
const address = server.address();
const port = typeof address === 'object' && address !== null ? address.port : settings.port;
if (settings.pidFile !== undefined) writeFileSync(settings.pidFile, `${process.pid}\n`);
logs.write('application', 'listening', { host: settings.host, port, pid: process.pid });
console.log(`listening on http://${settings.host}:${port}`);

const [signal] = (await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])) as [string];
logs.write('application', 'stopping', { signal });
server.close();
server.closeIdleConnections();
await once(server, 'close');
await pool.end();
if (settings.pidFile !== undefined) rmSync(settings.pidFile, { force: true });
