import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupTool, Subject } from './backupTool.ts';
import { betweenStartAndStop } from './restic.ts';

/** `cp -a` of the data directory, made durable: what the disk allows, as a floor. Stores nothing but the copy. */
export function copyTool({ workspace, cluster }: Subject, name: string): BackupTool {
  const repository = workspace.join('cp', 'copy');
  const durableCopy = (source: string, destination: string) =>
    ['sh', '-c', 'cp -a "$1/." "$2" && sync -f "$2"', 'sh', source, destination] as const;
  return {
    name,
    cases: ['full', 'restore'],
    repository,
    async createRepository() {
      await workspace.emptyDirectory('cp');
      await workspace.emptyDirectory('cp', 'copy');
    },
    fullBackup: betweenStartAndStop(cluster, { words: durableCopy(cluster.dataDirectory, repository) }),
    restore: (destination) => async (measured) =>
      void (await measured({ words: durableCopy(repository, destination) })),
  };
}

/** pg_basebackup into a plain directory. */
export function basebackup({ workspace, cluster }: Subject, name: string): BackupTool {
  const repository = workspace.join('basebackup', 'copy');
  const server = [`--host=${cluster.socketDirectory}`, `--port=${cluster.port}`, '--username=postgres'];
  const program = join(cluster.binaries, 'pg_basebackup');
  return {
    name,
    cases: ['full'],
    repository,
    async createRepository() {
      await workspace.emptyDirectory('basebackup');
      await rm(repository, { recursive: true, force: true });
    },
    fullBackup: async (measured) =>
      void (await measured({ words: [program, '-D', repository, '--checkpoint=fast', ...server] })),
  };
}
