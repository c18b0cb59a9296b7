import type { Context } from '../../base/context.ts';
import type { Progress } from '../../base/progress.ts';
import { backupLabelPath, parseBackupLabel } from '../../postgres/backupLabel.ts';
import { backupManifestPath } from '../../postgres/backupManifest.ts';
import { controlFilePath, parseControlFile } from '../../postgres/controlFile.ts';
import { parseBackupManifest } from '../../postgres/parseBackupManifest.ts';
import type { CreatedTablespace } from '../../postgres/walTablespace.ts';
import type { Repository } from '../../repository/repository.ts';
import type { BaseBackup } from '../../restore/baseBackup.ts';
import type { CheckList } from '../proof/checkList.ts';
import type { RecoveryRoute } from '../recoveryRoute.ts';
import { loadClusterFile, type ClusterFiles } from './clusterFiles.ts';
import { checkManifest } from './manifestCheck.ts';
import { checkRecord } from './recordCheck.ts';
import { checkWalChain } from './walChain.ts';

export interface ArchiveEvidence {
  readonly backup: BaseBackup;
  readonly files: ClusterFiles;
  /** CRC-32C of the files that were read, by path. */
  readonly crcs: ReadonlyMap<string, number>;
  readonly route: RecoveryRoute;
  readonly progress: Progress;
}

export interface ArchiveChecked {
  readonly good: boolean;
  /** Tablespaces that replay of the backup's own WAL creates. */
  readonly tablespaces: readonly CreatedTablespace[];
}

export const archiveCheckNames = ['record', 'manifest', 'WAL of the backup', 'archived WAL'] as const;

/** Level 3: what the backup says about itself agrees with what is there, and its WAL is whole. Nothing is written. */
export async function checkArchive(
  ctx: Context,
  repository: Repository,
  { checks, evidence }: { readonly checks: CheckList; readonly evidence: ArchiveEvidence },
): Promise<ArchiveChecked> {
  const { backup, files, crcs, route, progress } = evidence;
  const load = (path: string): Promise<Buffer> => loadClusterFile(ctx, repository, { files, path });
  progress.phase('comparing with manifest and WAL');
  const record = await checks.run(3, 'record', async () => {
    const reading = parseControlFile(await load(controlFilePath));
    if (reading.state === 'torn') return { status: 'failed', actual: `${controlFilePath} has a wrong checksum` };
    const label = parseBackupLabel((await load(backupLabelPath)).toString('utf8'));
    return checkRecord({ record: backup.record, control: reading.controlFile, label, files });
  });
  const manifest = await checks.run(3, 'manifest', async () =>
    checkManifest({
      manifest: parseBackupManifest(await load(backupManifestPath)),
      files,
      record: backup.record,
      crcs,
    }),
  );
  let tablespaces: readonly CreatedTablespace[] = [];
  const chain = await checks.run(3, 'WAL of the backup', async () => {
    const checked = await checkWalChain(ctx, repository, { backup, files });
    tablespaces = checked.tablespaces;
    return checked.outcome;
  });
  const archived = await checks.run(3, 'archived WAL', () => route.outcome());
  return { good: record && manifest && chain && archived, tablespaces };
}
