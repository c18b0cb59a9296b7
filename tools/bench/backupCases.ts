import { BackupDesk } from './backupDesk.ts';
import { type Bench, type CaseResult, measureCase } from './bench.ts';
import { damagePages } from './damagePages.ts';
import { type DataSet, openDataSet } from './dataSets.ts';
import { treeBytes } from './fileTree.ts';
import type { Work } from './measure.ts';
import type { CaseName } from './options.ts';
import type { Participant, RoundsOptions } from './rounds.ts';
import type { BackupTool } from './tools/backupTool.ts';

/** Cases about backups of one cluster, in an order in which one leaves what the next needs. */
export async function measureBackups(bench: Bench, set: DataSet): Promise<CaseResult[]> {
  const wanted = backupCases.filter(({ name }) => bench.options.cases.includes(name));
  if (wanted.length === 0) return [];
  bench.report(`data set ${set.title}, scale ${set.scale}`);
  await using cluster = await openDataSet(bench.signal, bench.workspace, set);
  const desk = new BackupDesk(bench, set, cluster);
  await desk.settle();
  const results: CaseResult[] = [];
  for (const { name, rounds, participant } of wanted) {
    const measured = await measureCase(bench, {
      case: name,
      dataSet: set.title,
      sourceBytes: desk.sourceBytes,
      serverProcessIds: cluster.pid === undefined ? [] : [cluster.pid],
      participants: desk.tools
        .filter((tool) => tool.cases.includes(name))
        .map((tool) => ({ name: tool.name, ...participant(desk, tool) })),
      ...(rounds === undefined ? {} : { rounds: rounds(desk) }),
    });
    results.push(measured);
  }
  await desk.clear();
  return results;
}

/** Does the memory of a full backup stay what it is when the cluster is large? */
export async function measureLarge(bench: Bench, set: DataSet): Promise<CaseResult[]> {
  if (!bench.options.cases.includes('large')) return [];
  bench.report(`data set ${set.title}, scale ${set.scale}`);
  await using cluster = await openDataSet(bench.signal, bench.workspace, set);
  const desk = new BackupDesk(bench, set, cluster);
  const ours = desk.tools.filter(({ cases }) => cases.includes('large'));
  const measured = await measureCase(bench, {
    case: 'large',
    dataSet: set.title,
    sourceBytes: desk.sourceBytes,
    serverProcessIds: cluster.pid === undefined ? [] : [cluster.pid],
    participants: ours.map((tool) => ({ name: tool.name, ...fullBackup(desk, tool), sources: [] })),
  });
  await desk.clear();
  return [measured];
}

interface BackupCase {
  readonly name: CaseName;
  readonly rounds?: (desk: BackupDesk) => Pick<RoundsOptions, 'inStep' | 'beforeRound'>;
  readonly participant: (desk: BackupDesk, tool: BackupTool) => Omit<Participant, 'name'>;
}

const damagedPages = 2000;
const fewestDamagedPages = 20;

const backupCases: readonly BackupCase[] = [
  { name: 'full', participant: fullBackup },
  { name: 'unchanged', participant: nextBackup },
  { name: 'restore', participant: restore },
  {
    name: 'delta-damaged',
    participant: (desk, tool) =>
      deltaRestore(desk, tool, Math.max(fewestDamagedPages, Math.round(damagedPages * desk.bench.options.scale))),
  },
  { name: 'delta-unchanged', participant: (desk, tool) => deltaRestore(desk, tool, 0) },
  {
    name: 'verify',
    participant: (desk, tool) => ({
      begin: () => desk.ensureBackup(tool),
      sources: [tool.repository],
      work: given(tool.verify),
    }),
  },
  {
    name: 'updates',
    participant: (desk, tool) => ({ ...nextBackup(desk, tool), check: () => desk.expectRestorable(tool) }),
    rounds: (desk) => ({ inStep: true, beforeRound: (round) => changeCluster(desk, round) }),
  },
];

function fullBackup(desk: BackupDesk, tool: BackupTool): Omit<Participant, 'name'> {
  return {
    prepare: () => desk.startAnew(tool),
    sources: [desk.cluster.dataDirectory],
    work: tool.fullBackup,
    inspect: () => {
      desk.hasBackup(tool);
      return Promise.resolve({ storedBytes: treeBytes(tool.repository) });
    },
    check: () => desk.expectRestorable(tool),
  };
}

function nextBackup(desk: BackupDesk, tool: BackupTool): Omit<Participant, 'name'> {
  let bytesBefore = 0;
  return {
    begin: () => desk.ensureBackup(tool),
    prepare: () => {
      bytesBefore = treeBytes(tool.repository);
      return Promise.resolve();
    },
    sources: [desk.cluster.dataDirectory],
    work: given(tool.nextBackup),
    inspect: () => Promise.resolve({ storedBytes: treeBytes(tool.repository) - bytesBefore }),
  };
}

function restore(desk: BackupDesk, tool: BackupTool): Omit<Participant, 'name'> {
  return {
    begin: () => desk.ensureBackup(tool),
    prepare: async () => void (await desk.clearDestination(tool)),
    sources: [tool.repository],
    work: given(tool.restore?.(desk.destination(tool))),
    check: () => {
      desk.expectRestored(tool);
      return desk.removeDestination(tool);
    },
  };
}

function deltaRestore(desk: BackupDesk, tool: BackupTool, pages: number): Omit<Participant, 'name'> {
  const destination = desk.destination(tool);
  return {
    async prepare() {
      await desk.ensureRestored(tool);
      if (pages > 0) damagePages(destination, pages);
    },
    sources: [tool.repository, destination],
    work: given(tool.deltaRestore?.(destination)),
    check: () => Promise.resolve(desk.expectRestored(tool)),
  };
}

async function changeCluster(desk: BackupDesk, round: number): Promise<void> {
  await desk.cluster.sql(desk.set.update(round + 1));
  await desk.settle();
}

function given(work: Work | undefined): Work {
  if (work === undefined) throw new TypeError('a tool takes part in a case for which it has nothing to do');
  return work;
}
