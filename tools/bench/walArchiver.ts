import { link, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { giveToServer } from '../../src/testing/postgresServer.ts';
import type { Bench } from './bench.ts';
import { runCommand } from './command.ts';
import { filesEqual } from './fileTree.ts';
import { performOnce, type Work } from './measure.ts';
import type { WalBacklog } from './walBacklog.ts';

/** A stopped cluster whose pg_wal holds a backlog, and what PostgreSQL's archiver would do with it. */
export class WalArchiver {
  readonly backlog: WalBacklog;
  readonly dataDirectory: string;
  readonly #bench: Bench;

  private constructor(bench: Bench, backlog: WalBacklog, dataDirectory: string) {
    this.#bench = bench;
    this.backlog = backlog;
    this.dataDirectory = dataDirectory;
  }

  static async place(bench: Bench, backlog: WalBacklog): Promise<WalArchiver> {
    const dataDirectory = bench.workspace.join('wal', 'archiver');
    await runCommand(bench.signal, { words: ['cp', '-a', backlog.baseDirectory, dataDirectory] });
    for (const name of backlog.segments) {
      await link(join(backlog.segmentsDirectory, name), join(dataDirectory, 'pg_wal', name));
    }
    return new WalArchiver(bench, backlog, dataDirectory);
  }

  /** Every segment waits again. */
  async makeReady(): Promise<void> {
    const status = await this.#bench.workspace.emptyDirectory('wal', 'archiver', 'pg_wal', 'archive_status');
    for (const name of this.backlog.segments) {
      await writeFile(join(status, `${name}.ready`), '');
      await giveToServer(join(status, `${name}.ready`));
    }
  }

  /** Calls archive_command for one segment after the other, as PostgreSQL's archiver does (pgarch.c). */
  archiveAll(archiveCommand: string): Work {
    const status = join(this.dataDirectory, 'pg_wal/archive_status');
    return async (run) => {
      for (const name of this.backlog.segments) {
        await run(this.#shell(archiveCommand, name, `pg_wal/${name}`));
        await rename(join(status, `${name}.ready`), join(status, `${name}.done`));
      }
    };
  }

  /** Throws unless the first, a middle and the last segment come back as they were. */
  async expectArchived(restoreCommand: string): Promise<void> {
    const { segments, segmentsDirectory } = this.backlog;
    for (const index of new Set([0, Math.floor(segments.length / 2), segments.length - 1])) {
      const name = segments[index]!;
      const restored = 'pg_wal/RECOVERYXLOG';
      await performOnce(
        async (run) => void (await run(this.#shell(restoreCommand, name, restored))),
        this.#bench.signal,
      );
      if (!filesEqual(join(segmentsDirectory, name), join(this.dataDirectory, restored))) {
        throw new Error(`segment ${name} came back different`);
      }
    }
  }

  #shell(template: string, name: string, path: string) {
    const values: Readonly<Record<string, string>> = { '%p': path, '%f': name, '%%': '%' };
    const command = template.replaceAll(/%[pf%]/g, (placeholder) => values[placeholder] ?? placeholder);
    return { words: ['sh', '-c', command], directory: this.dataDirectory } as const;
  }
}
