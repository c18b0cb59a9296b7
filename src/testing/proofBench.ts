import { readdirSync } from 'node:fs';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openBackend } from '../backend/openBackend.ts';
import { backupPhysical, type PhysicalBackupOptions, type PhysicalBackupResult } from '../backup/physicalBackup.ts';
import { createContext } from '../base/context.ts';
import { silentProgress } from '../base/progress.ts';
import { Secret } from '../base/secret.ts';
import { parseSystemIdentifier } from '../postgres/systemIdentifier.ts';
import { parseWalFileName } from '../postgres/walFileName.ts';
import { Repository } from '../repository/repository.ts';
import { WalArchive } from '../wal/walArchive.ts';
import { copyCommand } from './copyCommand.ts';
import { createCluster, giveToServer, type Cluster, type ClusterOptions } from './postgresServer.ts';
import { tempDir, type TempDir } from './tempDir.ts';
import { waitFor } from './waitFor.ts';

export const benchPassword = 'correct horse';
const ctx = createContext();

/** A repository in a temporary directory, room beside it, and what fills it: backups, and the WAL of their clusters. */
export class ProofBench implements AsyncDisposable {
  readonly directory: TempDir;
  readonly repositoryPath: string;
  readonly #archive: string;

  private constructor(directory: TempDir) {
    this.directory = directory;
    this.repositoryPath = directory.join('repository');
    this.#archive = directory.join('archive');
  }

  static async open(): Promise<ProofBench> {
    const bench = new ProofBench(await tempDir({ owner: 'server' }));
    const backend = await openBackend(bench.repositoryPath, { create: true });
    await Repository.init(ctx, backend, { password: new Secret(benchPassword), cost: { N: 1024, r: 8, p: 1 } });
    await mkdir(bench.#archive);
    await giveToServer(bench.#archive);
    return bench;
  }

  /** Opened anew: nothing is known of what it held before. */
  async openRepository(): Promise<Repository> {
    return Repository.open(ctx, await openBackend(this.repositoryPath), { password: new Secret(benchPassword) });
  }

  async backup(cluster: Cluster, options: Partial<PhysicalBackupOptions> = {}): Promise<PhysicalBackupResult> {
    return backupPhysical(ctx, await this.openRepository(), {
      source: 'main',
      connection: cluster.connection,
      method: 'files',
      progress: silentProgress,
      ...options,
    });
  }

  /** A running cluster with segments of 1 MiB, of which `archiveAll` brings the WAL into the repository. */
  createArchiving(options: ClusterOptions = {}): Promise<Cluster> {
    const settings = { archive_mode: 'on', archive_command: copyCommand(this.#archive) };
    return createCluster({ ...options, initdbArguments: ['--wal-segsize=1'], settings });
  }

  /** Closes the current segment, waits until it is archived, and stores all that is. */
  async archiveAll(cluster: Cluster): Promise<void> {
    const [row] = await cluster.sql<{ name: string; id: string }>(
      'select pg_walfile_name(pg_switch_wal()) as name, system_identifier::text as id from pg_control_system()',
    );
    const { name: newest, id } = row!;
    const isThere = async (): Promise<boolean> => (await readdir(this.#archive)).includes(newest);
    await waitFor(isThere, { what: `${newest} in the archive` });
    const archive = WalArchive.of(await this.openRepository(), parseSystemIdentifier(id));
    for (const name of (await readdir(this.#archive)).toSorted()) {
      const file = parseWalFileName(name);
      if (file !== undefined) await archive.put(ctx, file, await readFile(join(this.#archive, name)));
    }
  }

  /** Names of sandboxes that are still there. */
  sandboxes(): string[] {
    return readdirSync(this.directory.path).filter((name) => name.includes('understudy-'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.directory[Symbol.asyncDispose]();
  }
}
