import { formatBytes } from '../base/bytes.ts';
import type { Context } from '../base/context.ts';
import { assert } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { programPath } from '../postgres/installations.ts';
import { formatLsn } from '../postgres/lsn.ts';
import { runProgram } from '../postgres/runProgram.ts';
import type { RecoveryEnd, RecoveryProgress } from '../postgres/serverProcess.ts';
import type { CreatedTablespace } from '../postgres/walTablespace.ts';
import type { Repository } from '../repository/repository.ts';
import type { BaseBackup } from '../restore/baseBackup.ts';
import type { Assertion } from './application/assertion.ts';
import { checkApplication } from './application/checkApplication.ts';
import type { Rehearsal } from './kinds/kindVerification.ts';
import type { CheckList, Outcome } from './proof/checkList.ts';
import type { Phase, Proof } from './proof.ts';
import type { RecoveryRoute } from './recoveryRoute.ts';
import { checkHeaps, checkIndexes } from './restored/amcheck.ts';
import { compareCollations, compareWithRecord } from './restored/compareWithRecord.ts';
import { readTables } from './restored/readTables.ts';
import { checkFailureCounters, checkFilesPresent, scanPages } from './restored/relationFiles.ts';
import { RestoredCluster } from './restored/restoredCluster.ts';
import { materialise } from './sandbox/materialise.ts';
import { provideTablespace, tablespaceInspector } from './sandbox/newTablespaces.ts';
import { Sandbox, type RunningSandbox, type SandboxOptions } from './sandbox/sandbox.ts';

export interface RestoreOptions {
  readonly backup: BaseBackup;
  readonly route: RecoveryRoute;
  /** Tablespaces that replay of the backup's own WAL creates. */
  readonly tablespaces: readonly CreatedTablespace[];
  readonly sandbox: Omit<SandboxOptions, 'major'>;
  /** Share of the indexes for which every row is looked up. */
  readonly everyRow: number;
  /** What level 5 asks of the recovered cluster; none below it. */
  readonly assertions: readonly Assertion[];
  /** Leave the restored cluster, stopped, on the disk. */
  readonly keep: boolean;
  readonly threads?: number | undefined;
  readonly progress: Progress;
}

export const restoreCheckNames = [
  'sandbox',
  'restored files',
  'pg_verifybackup',
  'recovery',
  'record of the backup',
  'collations',
  'relation files',
  'tables',
  'heaps',
  'indexes',
  'checksum failures',
  'shutdown',
  'pages',
] as const;

/** Level 4: restores the backup in a sandbox, recovers it, reads and checks all of it. */
export async function rehearseRecovery(
  ctx: Context,
  repository: Repository,
  { checks, options }: { readonly checks: CheckList; readonly options: RestoreOptions },
): Promise<Rehearsal> {
  return new RecoveryRehearsal(ctx, { repository, checks, options }).run();
}

class RecoveryRehearsal {
  readonly #ctx: Context;
  readonly #repository: Repository;
  readonly #checks: CheckList;
  readonly #options: RestoreOptions;
  readonly #phases: Phase[] = [];
  #recovery: Proof['recovery'] = null;
  #tables: Proof['tables'] = [];
  #kept: string | undefined;

  constructor(ctx: Context, parts: { repository: Repository; checks: CheckList; options: RestoreOptions }) {
    this.#ctx = ctx;
    this.#repository = parts.repository;
    this.#checks = parts.checks;
    this.#options = parts.options;
  }

  async run(): Promise<Rehearsal> {
    let opened: Sandbox | undefined;
    const open = async (): Promise<Outcome> => {
      const { serverVersion } = this.#options.backup.record;
      opened = await Sandbox.open(this.#ctx, { major: Math.floor(serverVersion / 10_000), ...this.#options.sandbox });
      return describeSandbox(opened);
    };
    if (await this.#checks.runOfTester(4, 'sandbox', open)) {
      assert(opened !== undefined, 'a check that passed has opened its sandbox');
      await using sandbox = opened;
      await this.#rehearse(sandbox);
      if (this.#options.keep) this.#kept = sandbox.keep();
    }
    const kept = this.#kept === undefined ? {} : { kept: this.#kept };
    const restored = this.#recovery !== null;
    return { phases: this.#phases, restored, recovery: this.#recovery, tables: this.#tables, ...kept };
  }

  async #rehearse(sandbox: Sandbox): Promise<void> {
    if (!(await this.#restore(sandbox))) return;
    if (!(await this.#checks.run(4, 'pg_verifybackup', () => this.#verifyBackup(sandbox)))) return;
    await using running = new Recovering();
    const recovered = await this.#timed('replay', () =>
      this.#checks.run(4, 'recovery', () => this.#recover(sandbox, running)),
    );
    if (recovered) await this.#timed('checks', () => this.#checkCluster(sandbox, running));
  }

  #restore(sandbox: Sandbox): Promise<boolean> {
    const { backup, threads, progress } = this.#options;
    const { directory, user } = sandbox;
    return this.#timed('restore', () =>
      this.#checks.run(4, 'restored files', async () => {
        const options = { backup, directory, user, threads, progress };
        const { files, totalBytes, refused } = await materialise(this.#ctx, this.#repository, options);
        return { status: 'passed', actual: `${files} files, ${formatBytes(totalBytes)}`, detail: refused };
      }),
    );
  }

  async #verifyBackup({ installation, user, dataDirectory }: Sandbox): Promise<Outcome> {
    if (!installation.programs.has('pg_verifybackup')) {
      return { status: 'skipped', detail: ['not installed here; the manifest was compared by Understudy itself'] };
    }
    const program = programPath(installation, 'pg_verifybackup');
    const { stdout } = await runProgram(this.#ctx, { program, user, args: ['--no-parse-wal', dataDirectory] });
    return { status: 'passed', actual: stdout.trim() };
  }

  async #recover(sandbox: Sandbox, running: Recovering): Promise<Outcome> {
    const { backup, route, tablespaces, progress } = this.#options;
    const { isolation, installation } = sandbox;
    for (const created of tablespaces) provideTablespace(sandbox, created);
    progress.phase('replaying WAL');
    const { server, feed } = (running.current = await sandbox.start(this.#ctx, {
      recovery: route,
      databases: backup.record.databases.map(({ name }) => name),
      segmentBytes: backup.record.walSegmentBytes,
      fetch: (ctx, file) => route.fetch(ctx, file),
      inspect: tablespaceInspector(sandbox, backup.record.walSegmentBytes),
    }));
    const end = await Promise.race([server.waitForRecovery(this.#ctx, advance(progress)), feed.failed]);
    this.#recovery = {
      target: route.described,
      timeline: Number(end.timeline),
      lsn: formatLsn(end.lsn),
      lastCommit: end.lastCommit ?? null,
      serverVersion: installation.version,
      binaries: installation.binDirectory,
      isolation: { mounts: isolation.mounts, network: isolation.network },
    };
    return judgeRecovery(route, end);
  }

  async #checkCluster(sandbox: Sandbox, running: Recovering): Promise<void> {
    assert(running.current !== undefined, 'a cluster that recovered is running');
    const ctx = this.#ctx;
    const checks = this.#checks;
    const { backup, route, progress, everyRow } = this.#options;
    const { server } = running.current;
    const cluster = new RestoredCluster(server.connection, sandbox.installation.major);
    const comparison = { record: backup.record, exact: route.isExact };
    await checks.run(4, 'record of the backup', () => compareWithRecord(ctx, cluster, comparison));
    let otherCollations: ReadonlySet<string> = new Set();
    await checks.run(4, 'collations', async () => {
      const compared = await compareCollations(ctx, cluster);
      otherCollations = compared.databases;
      return compared.outcome;
    });
    await checks.run(4, 'relation files', () => checkFilesPresent(ctx, cluster));
    await checks.run(4, 'tables', async () => {
      const read = await readTables(ctx, cluster, progress);
      this.#tables = [...read.tables];
      return read.outcome;
    });
    const available = sandbox.installation.extensions.has('amcheck');
    const amcheck = { available, everyRow, otherCollations, progress };
    await checks.run(4, 'heaps', () => checkHeaps(ctx, cluster, amcheck));
    await checks.run(4, 'indexes', () => checkIndexes(ctx, cluster, amcheck));
    await checks.run(4, 'checksum failures', () => checkFailureCounters(ctx, cluster));
    const restored = { server: server.connection, scratch: sandbox.directory };
    await checkApplication(ctx, { checks, assertions: this.#options.assertions, restored, progress });
    const ended = await checks.run(4, 'shutdown', async () => {
      const status = await server.stop('fast');
      return { status: status === 0 ? 'passed' : 'failed', expected: 'exit status 0', actual: `exit status ${status}` };
    });
    if (!ended) return;
    const { dataDirectory, isolation } = sandbox;
    const outside = (path: string): string => isolation.outside(path);
    const control = sandbox.readControlFile();
    await checks.run(4, 'pages', () => scanPages(ctx, { dataDirectory, control, outside, progress }));
  }

  async #timed<T>(name: Phase['name'], work: () => Promise<T>): Promise<T> {
    const beganMs = this.#ctx.clock.monotonicMs();
    try {
      return await work();
    } finally {
      this.#phases.push({ name, durationMs: Math.round(this.#ctx.clock.monotonicMs() - beganMs) });
    }
  }
}

/** The server, once it runs: it is ended when the rehearsal is left, however that happens. */
class Recovering implements AsyncDisposable {
  current: RunningSandbox | undefined;

  async [Symbol.asyncDispose](): Promise<void> {
    await this.current?.[Symbol.asyncDispose]();
  }
}

function describeSandbox({ isolation, installation, directory }: Sandbox): Outcome {
  const actual = `PostgreSQL ${installation.version} of ${installation.binDirectory} in ${directory}`;
  if (isolation.mounts) return { status: 'passed', actual };
  return {
    status: 'warning',
    actual,
    detail: [`the server sees the file system and the network of this machine: ${isolation.reason}`],
    hint: 'verify as root, or allow users to create name spaces',
  };
}

function judgeRecovery({ reaches, timeline, described }: RecoveryRoute, end: RecoveryEnd): Outcome {
  const wrong: string[] = [];
  if (end.outcome !== 'ended') wrong.push('recovery did not end');
  if (end.consistentAt === undefined) wrong.push('the server never said that it was consistent');
  if (end.lsn < reaches) wrong.push(`replay ended at ${formatLsn(end.lsn)}, before ${formatLsn(reaches)}`);
  return {
    status: wrong.length === 0 ? 'passed' : 'failed',
    expected: `${described}, at least ${formatLsn(reaches)}, along timeline ${timeline}`,
    actual: `${formatLsn(end.lsn)}, new timeline ${end.timeline}${end.lastCommit === undefined ? '' : `, last commit ${end.lastCommit}`}`,
    detail: wrong,
  };
}

/** Reports replayed bytes. */
function advance(progress: Progress): (step: RecoveryProgress) => void {
  let previous: bigint | undefined;
  return ({ replayLsn }) => {
    if (replayLsn === undefined) return;
    if (previous !== undefined && replayLsn > previous) progress.advance({ bytes: Number(replayLsn - previous) });
    previous = replayLsn;
  };
}
