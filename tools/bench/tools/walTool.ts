import { join } from 'node:path';
import { composeArchiveCommand, composeRestoreCommand } from '../../../src/wal/shellCommand.ts';
import type { Work } from '../measure.ts';
import type { WalBacklog } from '../walBacklog.ts';
import type { Subject } from './backupTool.ts';
import { toolNames } from './backupTools.ts';
import { pgbackrestCommand, writePgbackrestConfiguration } from './pgbackrest.ts';
import { understudyCommand, writeConfiguration } from './understudy.ts';

/** A program that archives WAL and gives it back. */
export interface WalTool {
  /** As it stands in the tables. */
  readonly name: string;
  /** Directory that holds what it stores. */
  readonly repository: string;
  /** Directory in which it works ahead. */
  readonly spool?: string;
  /** Makes the archive anew, empty, for the cluster whose stopped data directory is given. */
  createArchive(dataDirectory: string): Promise<void>;
  /** Values of PostgreSQL's settings. */
  readonly archiveCommand?: string;
  readonly restoreCommand?: (dataDirectory: string) => string;
  /** Receives the backlog through a slot, and ends. */
  readonly receive?: { readonly slot: string; readonly work: Work };
}

export function walTools(subject: Subject, backlog: WalBacklog, installed: ReadonlySet<string>): WalTool[] {
  return [
    understudyWal(subject, backlog),
    ...(installed.has('pgbackrest') ? [pgbackrestWal(subject)] : []),
    ...(installed.has('pg_receivewal') ? [receivewal(subject, backlog)] : []),
    copyWal(subject),
  ];
}

/** With a background process that works ahead, as `understudy doctor` recommends. */
function understudyWal(subject: Subject, { endLsn }: WalBacklog): WalTool {
  const { workspace, program, run } = subject;
  const repository = workspace.join('understudy-wal', 'repository');
  const configuration = workspace.join('understudy-wal', 'understudy.yaml');
  const spool = workspace.join('understudy-wal', 'spool');
  const commandOptions = { program, commonArguments: ['--config', configuration], spool };
  const received = workspace.join('understudy-wal', 'received');
  const receive = ['wal', 'receive', 'bench', '--stop-at-lsn', endLsn, '--spool', received, '--quiet'];
  return {
    name: toolNames.understudy,
    repository,
    spool,
    async createArchive() {
      await workspace.emptyDirectory('understudy-wal');
      await writeConfiguration(subject, { path: configuration, repository, compression: 'auto' });
      await run(understudyCommand(program, configuration, ['init']));
    },
    archiveCommand: composeArchiveCommand(commandOptions),
    restoreCommand: () => composeRestoreCommand(commandOptions),
    receive: {
      slot: 'understudy',
      work: async (measured) => void (await measured(understudyCommand(program, configuration, receive))),
    },
  };
}

/** Asynchronous both ways, with two processes. */
function pgbackrestWal(subject: Subject): WalTool {
  const { workspace, run } = subject;
  const directory = workspace.join('pgbackrest-wal');
  const inPlaceOf = (dataDirectory: string, words: readonly string[]) =>
    pgbackrestCommand(directory, [`--pg1-path=${dataDirectory}`, ...words]);
  return {
    name: toolNames.pgbackrest,
    repository: join(directory, 'repository'),
    spool: join(directory, 'spool'),
    async createArchive(dataDirectory) {
      await workspace.emptyDirectory('pgbackrest-wal');
      await writePgbackrestConfiguration(subject, directory, { encrypted: false, dataDirectory });
      await run(inPlaceOf(dataDirectory, ['--no-online', 'stanza-create']));
    },
    archiveCommand: pgbackrestCommand(directory, ['archive-push', '"%p"']).words.join(' '),
    restoreCommand: (dataDirectory) => inPlaceOf(dataDirectory, ['archive-get', '%f', '"%p"']).words.join(' '),
  };
}

function receivewal({ workspace, cluster }: Subject, { endLsn }: WalBacklog): WalTool {
  const repository = workspace.join('receivewal');
  const server = [`--host=${cluster.socketDirectory}`, `--port=${cluster.port}`, '--username=postgres'];
  const program = join(cluster.binaries, 'pg_receivewal');
  const slot = 'bench_receivewal';
  return {
    name: toolNames.receivewal,
    repository,
    createArchive: async () => void (await workspace.emptyDirectory('receivewal')),
    receive: {
      slot,
      work: async (measured) =>
        void (await measured({
          words: [program, '-D', repository, `--slot=${slot}`, `--endpos=${endLsn}`, '--no-loop', ...server],
        })),
    },
  };
}

/** What cannot be undercut: a copy, made durable. */
function copyWal({ workspace }: Subject): WalTool {
  const repository = workspace.join('cp-wal');
  return {
    name: toolNames.copy,
    repository,
    createArchive: async () => void (await workspace.emptyDirectory('cp-wal')),
    archiveCommand: `cp "%p" "${repository}/%f" && sync "${repository}/%f"`,
    restoreCommand: () => `cp "${repository}/%f" "%p"`,
  };
}
