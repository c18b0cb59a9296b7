import { chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatBytes } from '../../base/bytes.ts';
import type { Context } from '../../base/context.ts';
import { assert } from '../../base/errors.ts';
import { createScratchDirectory, keepScratchDirectory, removeOrphans } from '../../postgres/scratchDirectory.ts';
import { applyRestore, type RestoreResult } from '../../restorer/applyRestore.ts';
import { planRestore, type PlanRestoreOptions } from '../../restorer/planRestore.ts';
import type { RestorePlan } from '../../restorer/restorePlan.ts';
import { verifyRestored } from '../../restorer/verifyRestored.ts';
import { checkApplication } from '../application/checkApplication.ts';
import type { Rehearsal, SnapshotUnderTest } from '../kinds/kindVerification.ts';
import { judge, type Outcome } from '../proof/checkList.ts';
import type { Phase } from '../proof.ts';
import { requireFreeSpace } from '../sandbox/freeSpace.ts';
import { existingDirectory } from '../sandbox/sandbox.ts';
import { compareRestored } from './compareRestored.ts';
import type { DirectoryKind, Loaded } from './directoryKind.ts';
import { shownPath } from './treeContents.ts';

export const restoreCheckNames = ['directory', 'restored files', 'content', 'attributes'] as const;

interface RehearsalOptions<SourceRecord> {
  readonly kind: DirectoryKind<SourceRecord>;
  readonly subject: SnapshotUnderTest;
  readonly loaded: Loaded<SourceRecord>;
  readonly planOptions: (destination: string) => PlanRestoreOptions;
}

interface AppliedRestore {
  readonly plan: RestorePlan;
  readonly result: RestoreResult;
}

const nothingOfDatabases = { recovery: null, tables: [] };

/** Room for what file systems need beside the content. */
const spareBytes = 64 * 1024 * 1024;

/** Level 4: restores into a directory that is ours alone, and compares what is on the disk with the snapshot. */
export async function rehearseRestore<SourceRecord>(
  ctx: Context,
  options: RehearsalOptions<SourceRecord>,
): Promise<Rehearsal> {
  return new RestoreRehearsal(ctx, options).run();
}

class RestoreRehearsal<SourceRecord> {
  readonly #ctx: Context;
  readonly #options: RehearsalOptions<SourceRecord>;
  readonly #phases: Phase[] = [];

  constructor(ctx: Context, options: RehearsalOptions<SourceRecord>) {
    this.#ctx = ctx;
    this.#options = options;
  }

  async run(): Promise<Rehearsal> {
    const { checks, options } = this.#options.subject;
    await using stack = new AsyncDisposableStack();
    let scratch: string | undefined;
    const isOpen = await checks.runOfTester(4, 'directory', async () => {
      const parent = existingDirectory(options.sandbox?.scratch ?? tmpdir());
      await removeOrphans(this.#ctx, parent);
      scratch = stack.use(await createScratchDirectory(parent)).path;
      chmodSync(scratch, 0o700);
      requireFreeSpace(scratch, this.#neededBytes());
      return { status: 'passed', actual: scratch };
    });
    if (!isOpen) return { ...nothingOfDatabases, phases: [], restored: false };
    assert(scratch !== undefined, 'a check that passed has made its directory');
    const restored = await this.#rehearse(scratch);
    const rehearsal = { ...nothingOfDatabases, phases: this.#phases, restored };
    return options.keepSandbox === true ? { ...rehearsal, kept: keepScratchDirectory(scratch) } : rehearsal;
  }

  async #rehearse(scratch: string): Promise<boolean> {
    const { kind, subject, loaded } = this.#options;
    const { checks, level, assertions, options } = subject;
    const directory = join(scratch, 'restored');
    const applied = await this.#timed('restore', () => this.#restore(directory));
    if (applied === undefined) return false;
    await this.#timed('checks', async () => {
      await checks.run(4, 'content', () => this.#compareContent(applied.plan));
      await checks.run(4, 'attributes', () =>
        compareRestored({ plan: applied.plan, refused: applied.result.refused, owners: this.#ownersRestored() }),
      );
      const restored = { ...loaded, directory, scratch };
      for (const { name, run } of kind.restoredChecks) await checks.run(4, name, () => run(this.#ctx, restored));
      if (level < 5) return;
      const at = { directory: kind.workingDirectory(restored), scratch };
      await checkApplication(this.#ctx, { checks, assertions, restored: at, progress: options.progress });
    });
    return true;
  }

  async #restore(directory: string): Promise<AppliedRestore | undefined> {
    const { subject, planOptions } = this.#options;
    const { repository, checks, options } = subject;
    let applied: AppliedRestore | undefined;
    const threads = options.threads === undefined ? {} : { threads: options.threads };
    const owner = this.#ownersRestored() ? 'stored' : 'keep';
    await checks.run(4, 'restored files', async (): Promise<Outcome> => {
      const plan = await planRestore(this.#ctx, repository, planOptions(directory));
      const apply = { progress: options.progress, owner, ...threads } as const;
      const result = await applyRestore(this.#ctx, repository, plan, apply);
      applied = { plan, result };
      return { status: 'passed', actual: `${result.files} files, ${formatBytes(result.totalBytes)}` };
    });
    return applied;
  }

  async #compareContent(plan: RestorePlan): Promise<Outcome> {
    const { repository, options } = this.#options.subject;
    const { progress, threads } = options;
    progress.phase('comparing what was restored', { items: plan.files.length, bytes: plan.totalBytes });
    const compared = await verifyRestored(this.#ctx, repository, plan, {
      progress,
      ...(threads === undefined ? {} : { threads }),
    });
    const wrong = compared.different.map((path) => `${shownPath(path)}: it is not what the snapshot holds`);
    return judge(wrong, { actual: `${compared.files} files, ${formatBytes(compared.bytes)} read back and hashed` });
  }

  #ownersRestored(): boolean {
    return process.getuid?.() === 0 && this.#options.kind.owner === 'stored';
  }

  #neededBytes(): bigint {
    const { files } = this.#options.loaded.contents;
    return [...files.values()].reduce((sum, { size }) => sum + size, BigInt(spareBytes));
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
