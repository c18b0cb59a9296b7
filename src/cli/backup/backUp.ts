import type { Context } from '../../base/context.ts';
import type { SourceConfig, SourceKind } from '../../config/schema.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Invocation } from '../command.ts';
import type { backupSpec } from '../specs/backup.ts';
import type { BackupSettings } from './backupSource.ts';

/** One source to back up, and what the command line says about it. */
export interface SourceRun<Kind extends SourceKind> {
  readonly invocation: Invocation<typeof backupSpec>;
  /** Being opened while the source gets ready. */
  readonly repository: { readonly opening: Promise<Repository> };
  readonly settings: BackupSettings;
  readonly name: string;
  readonly config: Extract<SourceConfig, { kind: Kind }>;
}

/**
 * Backs up one source and prints what came of it. Resolves with the id of the snapshot. Throws when it did not fully
 * succeed, with `detail.snapshot` where there is a snapshot all the same.
 */
export type BackUp<Kind extends SourceKind> = (ctx: Context, run: SourceRun<Kind>) => Promise<string>;

/** How sources of each kind are backed up; loaded when the first one is met. */
const kinds: { readonly [Kind in SourceKind]: () => Promise<{ readonly backUp: BackUp<Kind> }> } = {
  postgres: () => import('./postgres.ts'),
  dump: () => import('./dump.ts'),
  files: () => import('./files.ts'),
  logs: () => import('./logs.ts'),
  git: () => import('./git.ts'),
};

export async function backUpSource<Kind extends SourceKind>(ctx: Context, run: SourceRun<Kind>): Promise<string> {
  const { backUp } = await kinds[run.config.kind]();
  return backUp(ctx, run);
}
