import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { formatLsn, type Lsn, parseLsn } from '../../src/postgres/lsn.ts';
import { giveToServer } from '../../src/testing/postgresServer.ts';
import type { Bench } from './bench.ts';
import { runCommand } from './command.ts';
import type { Work } from './measure.ts';
import { segmentBytes, type WalBacklog } from './walBacklog.ts';

const recoveryPort = 5433;

/** Makes a data directory that recovers by `restoreCommand` to the end of the archive; returns its path. */
export async function placeRecovery(bench: Bench, backlog: WalBacklog, restoreCommand: string): Promise<string> {
  const dataDirectory = bench.workspace.join('wal', 'recovery');
  await runCommand(bench.signal, { words: ['rm', '-rf', dataDirectory] });
  await runCommand(bench.signal, { words: ['cp', '-a', backlog.baseDirectory, dataDirectory] });
  await writeFile(join(dataDirectory, 'recovery.signal'), '');
  await giveToServer(join(dataDirectory, 'recovery.signal'));
  const settings = {
    restore_command: restoreCommand,
    archive_mode: 'off',
    shared_buffers: '256MB',
    max_wal_size: '4GB',
    checkpoint_timeout: '1h',
    listen_addresses: '',
    unix_socket_directories: backlog.cluster.socketDirectory,
    port: String(recoveryPort),
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`);
  await appendFile(join(dataDirectory, 'postgresql.auto.conf'), lines.join(''));
  return dataDirectory;
}

/** From the start of the server until it has replayed all there is. Throws when that is not the whole backlog. */
export function replayAll({ cluster, endLsn }: WalBacklog, dataDirectory: string): Work {
  return async (_run, start) => {
    const server = start({ words: [join(cluster.binaries, 'postgres'), '-D', dataDirectory] });
    const replayedTo = await redoEnd(server);
    if (replayedTo < parseLsn(endLsn) - BigInt(segmentBytes)) {
      throw new Error(`recovery ended at ${formatLsn(replayedTo)}, the archive at ${endLsn}`);
    }
  };
}

/** The last record that recovery has replayed, from the server's log. */
async function redoEnd(server: ChildProcess): Promise<Lsn> {
  const log: string[] = [];
  const exited = once(server, 'exit');
  const lines = createInterface({ input: server.stderr! });
  for await (const line of lines) {
    const [, lsn] = /redo done at (\S+)/.exec(line) ?? [];
    if (lsn !== undefined) return parseLsn(lsn);
    log.push(line);
  }
  await exited;
  throw new Error(`the server ended before recovery did: ${log.slice(-5).join('; ')}`);
}
