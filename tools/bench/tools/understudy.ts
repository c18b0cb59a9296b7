import { writeFile } from 'node:fs/promises';
import { giveToServer } from '../../../src/testing/postgresServer.ts';
import type { Command } from '../command.ts';
import type { CaseName } from '../options.ts';
import type { Program } from '../program.ts';
import type { BackupTool, Subject } from './backupTool.ts';

export interface UnderstudyOptions {
  readonly name: string;
  readonly cases: readonly CaseName[];
  /** `better` is zstd level 3; `auto` is what a user gets who says nothing. */
  readonly compression: 'better' | 'auto';
}

export function understudy(subject: Subject, options: UnderstudyOptions): BackupTool {
  const { workspace, program, run } = subject;
  const directory = `understudy-${options.compression}`;
  const repository = workspace.join(directory, 'repository');
  const configuration = workspace.join(directory, 'understudy.yaml');
  const command = (...words: readonly string[]) => understudyCommand(program, configuration, words);
  const backup = command('backup', 'bench', '--quiet');
  const restore = (destination: string, ...more: readonly string[]) =>
    command('restore', 'latest', '--target-dir', destination, '--quiet', ...more);
  return {
    name: options.name,
    cases: options.cases,
    repository,
    async createRepository() {
      await workspace.emptyDirectory(directory);
      await writeConfiguration(subject, { path: configuration, repository, compression: options.compression });
      await run(command('init'));
    },
    fullBackup: async (measured) => void (await measured(backup)),
    nextBackup: async (measured) => void (await measured(backup)),
    restore: (destination) => async (measured) => void (await measured(restore(destination))),
    deltaRestore: (destination) => async (measured) => void (await measured(restore(destination, '--delta'))),
    verify: async (measured) => void (await measured(command('check', '--read-data', '--quiet'))),
  };
}

export function understudyCommand(program: Program, configuration: string, words: readonly string[]): Command {
  return { words: [...program, ...words], environment: { UNDERSTUDY_CONFIG: configuration } };
}

interface Configuration {
  readonly path: string;
  readonly repository: string;
  readonly compression: 'better' | 'auto';
  /** Where WAL commands keep the key, as their documentation recommends. */
  readonly keyCacheFile?: string;
}

/** An understudy.yaml for one cluster, with its password in a file beside it. */
export async function writeConfiguration({ cluster }: Subject, options: Configuration): Promise<void> {
  const passwordFile = `${options.path}.password`;
  const file = {
    repository: {
      location: options.repository,
      passwordFile,
      compression: options.compression,
      ...(options.keyCacheFile === undefined ? {} : { keyCacheFile: options.keyCacheFile }),
    },
    sources: {
      bench: {
        kind: 'postgres',
        connection: { host: cluster.socketDirectory, port: cluster.port, user: 'postgres', database: 'postgres' },
        dataDirectory: cluster.dataDirectory,
        method: 'files',
      },
    },
  };
  await writeFile(passwordFile, 'bench\n', { mode: 0o600 });
  await writeFile(options.path, JSON.stringify(file, null, 2));
  await giveToServer(passwordFile);
  await giveToServer(options.path);
}
