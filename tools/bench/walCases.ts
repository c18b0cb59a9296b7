import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bench, type CaseResult, measureCase } from './bench.ts';
import { runCommand } from './command.ts';
import { filesEqual, treeBytes } from './fileTree.ts';
import { performOnce } from './measure.ts';
import type { Participant } from './rounds.ts';
import type { Subject } from './tools/backupTool.ts';
import { type WalTool, walTools } from './tools/walTool.ts';
import { WalArchiver } from './walArchiver.ts';
import { dropSlot, makeBacklog, resetSlot, segmentBytes } from './walBacklog.ts';
import { placeRecovery, replayAll } from './walReplay.ts';

const walCases = { 'wal-push': push, 'wal-receive': receive, 'wal-replay': replay } as const;
const walCaseNames = ['wal-push', 'wal-receive', 'wal-replay'] as const;

/** Cases about a backlog of WAL: into an archive by archive_command and by streaming, and back by recovery. */
export async function measureWal(bench: Bench): Promise<CaseResult[]> {
  const wanted = walCaseNames.filter((name) => bench.options.cases.includes(name));
  if (wanted.length === 0) return [];
  const { signal, workspace, program, installed } = bench;
  await using backlog = await makeBacklog(bench);
  const { cluster } = backlog;
  const subject: Subject = { workspace, program, cluster, run: (command) => runCommand(signal, command) };
  const desk: WalDesk = { bench, archiver: await WalArchiver.place(bench, backlog), archived: new Set() };
  const tools = walTools(subject, backlog, installed);
  const results: CaseResult[] = [];
  for (const name of wanted) {
    const measured = await measureCase(bench, {
      case: name,
      dataSet: 'WAL',
      sourceBytes: backlog.segments.length * segmentBytes,
      serverProcessIds: cluster.pid === undefined ? [] : [cluster.pid],
      participants: tools.flatMap((tool) => walCases[name](desk, tool) ?? []),
    });
    results.push(measured);
  }
  for (const { repository } of tools) await rm(repository, { recursive: true, force: true });
  return results;
}

interface WalDesk {
  readonly bench: Bench;
  readonly archiver: WalArchiver;
  /** Tools whose archive holds the whole backlog. */
  readonly archived: Set<WalTool>;
}

function push(desk: WalDesk, tool: WalTool): Participant | undefined {
  const { archiveCommand, restoreCommand } = tool;
  if (archiveCommand === undefined || restoreCommand === undefined) return undefined;
  return {
    name: tool.name,
    prepare: () => startAnew(desk, tool),
    sources: [desk.archiver.dataDirectory],
    work: desk.archiver.archiveAll(archiveCommand),
    inspect: () => {
      desk.archived.add(tool);
      return Promise.resolve({ storedBytes: treeBytes(tool.repository) });
    },
    check: () => desk.archiver.expectArchived(restoreCommand(desk.archiver.dataDirectory)),
  };
}

function receive(desk: WalDesk, tool: WalTool): Participant | undefined {
  if (tool.receive === undefined) return undefined;
  const { slot, work } = tool.receive;
  const { backlog } = desk.archiver;
  return {
    name: tool.name,
    async prepare() {
      await startAnew(desk, tool);
      await resetSlot(backlog, slot);
    },
    sources: [backlog.cluster.dataDirectory],
    work,
    async inspect() {
      await dropSlot(backlog, slot);
      return { storedBytes: treeBytes(tool.repository) };
    },
    check: async () => {
      desk.archived.add(tool);
      if (tool.restoreCommand !== undefined) {
        await desk.archiver.expectArchived(tool.restoreCommand(desk.archiver.dataDirectory));
      } else {
        expectPlainSegments(desk, tool);
      }
    },
  };
}

function replay(desk: WalDesk, tool: WalTool): Participant | undefined {
  const { archiveCommand, restoreCommand } = tool;
  if (archiveCommand === undefined || restoreCommand === undefined) return undefined;
  const { archiver, bench } = desk;
  const dataDirectory = bench.workspace.join('wal', 'recovery');
  return {
    name: tool.name,
    async begin() {
      if (desk.archived.has(tool)) return;
      await startAnew(desk, tool);
      await performOnce(archiver.archiveAll(archiveCommand), bench.signal);
      desk.archived.add(tool);
    },
    async prepare() {
      if (tool.spool !== undefined) await rm(tool.spool, { recursive: true, force: true });
      await placeRecovery(bench, archiver.backlog, restoreCommand(dataDirectory));
    },
    sources: [tool.repository, dataDirectory],
    work: replayAll(archiver.backlog, dataDirectory),
  };
}

/** An empty archive, and every segment waits for it. */
async function startAnew({ archiver, archived }: WalDesk, tool: WalTool): Promise<void> {
  archived.delete(tool);
  await tool.createArchive(archiver.dataDirectory);
  await archiver.makeReady();
}

function expectPlainSegments({ archiver: { backlog } }: WalDesk, tool: WalTool): void {
  const wrong = backlog.segments.find(
    (name) => !filesEqual(join(backlog.segmentsDirectory, name), join(tool.repository, name)),
  );
  if (wrong !== undefined) throw new Error(`segment ${wrong} was received different`);
}
