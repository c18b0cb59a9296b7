import { writeFile } from 'node:fs/promises';
import { giveToServer } from '../../../src/testing/postgresServer.ts';
import type { Command } from '../command.ts';
import type { CaseName } from '../options.ts';
import type { BackupTool, Subject } from './backupTool.ts';

export interface PgbackrestOptions {
  readonly name: string;
  readonly cases: readonly CaseName[];
  readonly encrypted: boolean;
}

/**
 * pgBackRest with zstd level 3 and two processes. It neither waits for archived WAL nor stores any, which is to its
 * advantage: our backups hold the WAL they need.
 */
export function pgbackrest(subject: Subject, options: PgbackrestOptions): BackupTool {
  const { workspace, run } = subject;
  const directory = options.encrypted ? 'pgbackrest-encrypted' : 'pgbackrest';
  const command = (...words: readonly string[]) => pgbackrestCommand(workspace.join(directory), words);
  const restore = (destination: string, ...more: readonly string[]) =>
    command('restore', `--pg1-path=${destination}`, ...more);
  return {
    name: options.name,
    cases: options.cases,
    repository: workspace.join(directory, 'repository'),
    async createRepository() {
      await workspace.emptyDirectory(directory);
      await writePgbackrestConfiguration(subject, workspace.join(directory), options);
      await run(command('stanza-create'));
    },
    fullBackup: async (measured) => void (await measured(command('backup', '--type=full'))),
    nextBackup: async (measured) => void (await measured(command('backup', '--type=incr'))),
    restore: (destination) => async (measured) => void (await measured(restore(destination))),
    deltaRestore: (destination) => async (measured) => void (await measured(restore(destination, '--delta'))),
    verify: async (measured) => void (await measured(command('verify'))),
  };
}

export function pgbackrestCommand(directory: string, words: readonly string[]): Command {
  return { words: ['pgbackrest', `--config=${directory}/pgbackrest.conf`, '--stanza=bench', ...words] };
}

/** A configuration with everything under `directory`; archiving is asynchronous. */
export async function writePgbackrestConfiguration(
  { cluster }: Subject,
  directory: string,
  {
    encrypted,
    dataDirectory = cluster.dataDirectory,
  }: { readonly encrypted: boolean; readonly dataDirectory?: string },
): Promise<void> {
  const lines = [
    '[global]',
    `repo1-path=${directory}/repository`,
    `spool-path=${directory}/spool`,
    `lock-path=${directory}/lock`,
    `log-path=${directory}/log`,
    'log-level-file=off',
    'compress-type=zst',
    'compress-level=3',
    'process-max=2',
    ...(encrypted ? ['repo1-cipher-type=aes-256-cbc', 'repo1-cipher-pass=bench'] : []),
    '[global:backup]',
    'start-fast=y',
    'archive-check=n',
    '[global:archive-push]',
    'archive-async=y',
    '[global:archive-get]',
    'archive-async=y',
    '[bench]',
    `pg1-path=${dataDirectory}`,
    `pg1-socket-path=${cluster.socketDirectory}`,
    `pg1-port=${cluster.port}`,
    'pg1-user=postgres',
  ];
  const path = `${directory}/pgbackrest.conf`;
  await writeFile(path, lines.join('\n') + '\n');
  await giveToServer(path);
}
