import { resolve } from 'node:path';
import type { RepositorySettings } from '../../config/repositorySettings.ts';
import { composeArchiveCommand, composeRestoreCommand, type WalCommandOptions } from '../../wal/shellCommand.ts';
import { ownProgram } from '../ownProgram.ts';
import type { Finding } from './finding.ts';

/** How the repository that doctor looks at is named to a command that PostgreSQL starts, without our environment. */
export interface CommandAccess {
  readonly configPath: string | undefined;
  /** Undefined when no repository is named. */
  readonly settings: RepositorySettings | undefined;
}

/** Where Debian's packages keep the home of the server's user; the directory has to be made, private to that user. */
const spoolRoot = '/var/lib/postgresql/understudy';

/** How WAL gets into the archive and out of it again; a warning when it does not get there at all. */
export function archivingFindings(source: string, wal: 'receive' | 'push' | 'none', access: CommandAccess): Finding[] {
  const options: WalCommandOptions = {
    program: ownProgram(),
    commonArguments: commonArguments(access),
    spool: `${spoolRoot}/${source}`,
  };
  const restore: Finding = {
    check: `${source}: recovery`,
    verdict: 'ok',
    message: `restore_command = ${quoted(composeRestoreCommand(options))}`,
    hint: '`understudy restore` writes it by itself',
  };
  if (wal !== 'none') return [restore];
  const receive = ['understudy', 'wal', 'receive', source, ...commonArguments(access)].join(' ');
  return [
    {
      check: `${source}: WAL`,
      verdict: 'warning',
      message: 'is not archived in a way that understudy knows: only the moments of its backups can be had back',
      hint:
        `run \`${receive}\` as a service; or make the directory ${spoolRoot}/${source}, private to the user of the server, and set ` +
        `archive_mode = on, archive_command = ${quoted(composeArchiveCommand(options))}`,
    },
    restore,
  ];
}

function commonArguments({ configPath, settings }: CommandAccess): string[] {
  if (configPath !== undefined) return ['--config', configPath];
  if (settings === undefined) return [];
  const { location, password } = settings;
  return ['--repo', location, ...(password.kind === 'file' ? ['--password-file', resolve(password.path)] : [])];
}

/** A value as postgresql.conf takes it. */
function quoted(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
