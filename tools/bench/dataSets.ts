import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, existingCluster, type Settings } from '../../src/testing/postgresServer.ts';
import { postgresBinaries } from '../../src/testing/postgresBinaries.ts';
import { initCluster } from '../../src/testing/postgresTemplate.ts';
import type { Workspace } from './workspace.ts';

export const postgresMajor = 15;

/** What a cluster is filled with. A change here, or of its SQL, builds it anew. */
export interface DataSet {
  /** Also the name of its directory. */
  readonly name: string;
  /** As it stands in the tables. */
  readonly title: string;
  readonly script: 'filler' | 'events';
  /** For pgbench's tables its -s; for events 1 = 2 GB. */
  readonly scale: number;
  /** A statement that changes rows at random, different for each `seed`. */
  update(seed: number): string;
}

export function fillerSet(name: string, scale: number, transactions: number): DataSet {
  const update = (seed: number) => `CALL run_transactions(${Math.ceil(transactions)}, ${seed})`;
  return { name, title: 'pgbench', script: 'filler', scale: Math.max(1, Math.round(scale)), update };
}

export function eventsSet(name: string, scale: number): DataSet {
  return { name, title: 'realistic', script: 'events', scale, update: (seed) => `CALL run_day(${seed})` };
}

/** Nothing runs by itself while something is measured. */
const measuringSettings: Settings = {
  autovacuum: false,
  shared_buffers: '256MB',
  checkpoint_timeout: '1h',
  max_wal_size: '4GB',
  wal_level: 'replica',
  max_wal_senders: 10,
  max_replication_slots: 10,
  archive_mode: true,
  archive_command: '/bin/true',
  log_line_prefix: '%m [%p] ',
};

const buildingSettings: Settings = {
  ...measuringSettings,
  archive_mode: false,
  fsync: false,
  full_page_writes: false,
  synchronous_commit: false,
  max_wal_size: '128MB', // recycled segments would be copied by tools that know nothing of them
  maintenance_work_mem: '512MB',
};

/** Starts the server of a data set, which is built first unless it was kept. Disposing stops it; the data stay. */
export async function openDataSet(signal: AbortSignal, workspace: Workspace, set: DataSet): Promise<Cluster> {
  const directory = await workspace.directory('data', set.name);
  const dataDirectory = join(directory, 'pgdata');
  const stampPath = join(directory, 'stamp.json');
  const paragraphs = readScript(set);
  const stamp = JSON.stringify({ postgresMajor, set, paragraphs });
  if (!existsSync(stampPath) || readFileSync(stampPath, 'utf8') !== stamp) {
    await rm(stampPath, { force: true });
    await rm(dataDirectory, { recursive: true, force: true });
    const binaries = await postgresBinaries(postgresMajor);
    await initCluster(dataDirectory, { binaries, initdbArguments: ['--data-checksums'] });
    await using building = await startServer(signal, dataDirectory, buildingSettings);
    for (const paragraph of paragraphs) await building.sql(paragraph);
    await building.stop();
    signal.throwIfAborted();
    await writeFile(stampPath, stamp);
  }
  return startServer(signal, dataDirectory, measuringSettings);
}

async function startServer(signal: AbortSignal, dataDirectory: string, settings: Settings): Promise<Cluster> {
  signal.throwIfAborted();
  const cluster = await existingCluster({ major: postgresMajor, dataDirectory, settings });
  signal.addEventListener('abort', () => void cluster.stop('immediate'), { once: true });
  await cluster.start();
  return cluster;
}

/** A paragraph is one implicit transaction, unless it is a single CALL or VACUUM, which commit for themselves. */
function readScript({ script, scale }: DataSet): string[] {
  const text = readFileSync(join(import.meta.dirname, `sql/${script}.sql`), 'utf8');
  return text
    .replaceAll(':scale', String(scale))
    .split(/\n{2,}/)
    .filter((paragraph) => paragraph.trim() !== '');
}
