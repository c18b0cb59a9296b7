import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OsUser } from '../runProgram.ts';
import { logLinePrefix } from './serverLog.ts';
import { assertSocketPath } from './socketPath.ts';

/** Port number in the name of the private socket; nothing listens on the network. */
export const socketPort = 5432;
export interface ServerFiles {
  readonly configFile: string;
  readonly hbaFile: string;
  readonly identFile: string;
  readonly logFile: string;
}

/**
 * Creates a server's run directory (mode 700, the server's user): configuration, access rules, socket, log. Whoever can
 * enter it may log in as anybody, nobody else can reach the socket.
 */
export function createRunDirectory(directory: string, user: OsUser | undefined): ServerFiles {
  assertSocketPath(join(directory, `.s.PGSQL.${socketPort}`));
  mkdirSync(directory, { mode: 0o700 });
  const files = {
    configFile: join(directory, 'server.conf'),
    hbaFile: join(directory, 'hba.conf'),
    identFile: join(directory, 'ident.conf'),
    logFile: join(directory, 'server.log'),
  };
  writeFileSync(files.configFile, '');
  writeFileSync(files.hbaFile, 'local all all trust\nlocal replication all trust\n');
  writeFileSync(files.identFile, '');
  writeFileSync(files.logFile, '');
  if (user !== undefined) chownSync(directory, user.uid, user.gid);
  return files;
}

/** What every server of ours is started with, stronger than any configuration file of the cluster. */
export function fixedSettings(directory: string, files: ServerFiles, major: number): Record<string, string> {
  return {
    config_file: files.configFile,
    hba_file: files.hbaFile,
    ident_file: files.identFile,
    external_pid_file: '',
    listen_addresses: '',
    port: String(socketPort),
    unix_socket_directories: directory,
    unix_socket_permissions: '0700',
    ssl: 'off',
    logging_collector: 'off',
    log_destination: 'stderr',
    log_min_messages: 'warning',
    log_error_verbosity: 'default',
    log_line_prefix: logLinePrefix,
    log_timezone: 'UTC',
    lc_messages: 'C',
    ...(major >= 15 ? { log_startup_progress_interval: '1s' } : {}),
  };
}
