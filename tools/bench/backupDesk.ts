import { rm } from 'node:fs/promises';
import type { Bench } from './bench.ts';
import type { DataSet } from './dataSets.ts';
import { relationDifferences, treeBytes } from './fileTree.ts';
import { type Command, runCommand } from './command.ts';
import type { Cluster } from '../../src/testing/postgresServer.ts';
import { performOnce } from './measure.ts';
import type { BackupTool, Subject } from './tools/backupTool.ts';
import { backupTools } from './tools/backupTools.ts';

/** One cluster, the tools that back it up, and how far each of them is. */
export class BackupDesk {
  readonly bench: Bench;
  readonly set: DataSet;
  readonly cluster: Cluster;
  readonly tools: readonly BackupTool[];
  /** Of what is backed up. */
  readonly sourceBytes: number;
  /** Tools whose newest backup is of the cluster as it is now, or was when it was last asked for. */
  readonly #backedUp = new Set<BackupTool>();
  readonly #restored = new Set<BackupTool>();

  constructor(bench: Bench, set: DataSet, cluster: Cluster) {
    const { workspace, program } = bench;
    const subject: Subject = { workspace, cluster, program, run: (command) => this.run(command) };
    this.bench = bench;
    this.set = set;
    this.cluster = cluster;
    this.tools = backupTools(subject, bench.installed);
    this.sourceBytes = treeBytes(`${cluster.dataDirectory}/base`);
  }

  run(command: Command): Promise<string> {
    return runCommand(this.bench.signal, command);
  }

  /** The tool's repository holds a backup afterwards. */
  async ensureBackup(tool: BackupTool): Promise<void> {
    if (this.#backedUp.has(tool)) return;
    await tool.createRepository();
    await performOnce(tool.fullBackup, this.bench.signal);
    this.#backedUp.add(tool);
  }

  async startAnew(tool: BackupTool): Promise<void> {
    this.#backedUp.delete(tool);
    await tool.createRepository();
  }

  hasBackup(tool: BackupTool): void {
    this.#backedUp.add(tool);
  }

  /** Everything that is in the server's memory is in its files afterwards. */
  async settle(): Promise<void> {
    await this.cluster.sql('CHECKPOINT');
  }

  destination(tool: BackupTool): string {
    return this.bench.workspace.join('restored', tool.repository.split('/').at(-2) ?? tool.name);
  }

  /** An empty destination for the tool. */
  async clearDestination(tool: BackupTool): Promise<string> {
    this.#restored.delete(tool);
    return this.bench.workspace.emptyDirectory('restored', this.destination(tool).split('/').at(-1) ?? '');
  }

  /** The destination holds a restore of the newest backup afterwards. */
  async ensureRestored(tool: BackupTool): Promise<void> {
    await this.ensureBackup(tool);
    if (this.#restored.has(tool)) return;
    const destination = await this.clearDestination(tool);
    if (tool.restore !== undefined) await performOnce(tool.restore(destination), this.bench.signal);
    this.#restored.add(tool);
  }

  /** Throws unless the newest backup, restored, has the cluster's relation files. */
  async expectRestorable(tool: BackupTool): Promise<void> {
    if (tool.restore === undefined) return this.expectEqual(tool.repository);
    await this.clearDestination(tool);
    await this.ensureRestored(tool);
    this.expectRestored(tool);
    await this.removeDestination(tool);
  }

  /** Throws unless the tool's destination has the cluster's relation files. */
  expectRestored(tool: BackupTool): void {
    const destination = this.destination(tool);
    this.expectEqual(tool.restoredIn?.(destination) ?? destination);
  }

  expectEqual(dataDirectory: string): void {
    const differences = relationDifferences(this.cluster.dataDirectory, dataDirectory);
    if (differences.length > 0) throw new Error(`what came back is not what was there: ${differences.join(', ')}`);
  }

  async removeDestination(tool: BackupTool): Promise<void> {
    this.#restored.delete(tool);
    await rm(this.destination(tool), { recursive: true, force: true });
  }

  /** Removes repositories and destinations. */
  async clear(): Promise<void> {
    for (const tool of this.tools) {
      await this.removeDestination(tool);
      await rm(tool.repository, { recursive: true, force: true });
    }
  }
}
