import { register, type RegisteredCommand } from './command.ts';
import { backupSpec } from './specs/backup.ts';
import { cacheClearSpec, cacheForgetKeySpec, cacheListSpec, cacheSaveKeySpec } from './specs/cache.ts';
import { checkSpec } from './specs/check.ts';
import { completionSpec } from './specs/completion.ts';
import { demoSpec } from './specs/demo.ts';
import { diffSpec } from './specs/diff.ts';
import { doctorSpec } from './specs/doctor.ts';
import { drillListSpec, drillRunSpec, drillShowSpec } from './specs/drill.ts';
import { dumpSpec } from './specs/dump.ts';
import {
  evidenceDeviationSpec,
  evidenceExportSpec,
  evidenceKeygenSpec,
  evidenceListSpec,
  evidenceReviewSpec,
  evidenceShowSpec,
  evidenceStoreSpec,
  evidenceVerifySpec,
} from './specs/evidence.ts';
import { exportSpec } from './specs/export.ts';
import { forgetSpec } from './specs/forget.ts';
import { initSpec } from './specs/init.ts';
import { keyAddSpec, keyListSpec, keyPasswdSpec, keyRemoveSpec } from './specs/key.ts';
import { lsSpec } from './specs/ls.ts';
import { monitorSpec } from './specs/monitor.ts';
import {
  planApproveSpec,
  planCheckSpec,
  planContinueSpec,
  planListSpec,
  planPauseSpec,
  planPrintSpec,
  planRunSpec,
  planSkipSpec,
  planStatusSpec,
} from './specs/plan.ts';
import { pruneSpec } from './specs/prune.ts';
import { restoreDatabaseSpec } from './specs/restoreDatabase.ts';
import { restoreFilesSpec } from './specs/restoreFiles.ts';
import { restoreSpec } from './specs/restore.ts';
import { retentionAcknowledgeSpec, retentionSimulateSpec } from './specs/retention.ts';
import { restoreTableSpec } from './specs/restoreTable.ts';
import { snapshotsSpec } from './specs/snapshots.ts';
import { statusSpec } from './specs/status.ts';
import { unlockSpec } from './specs/unlock.ts';
import { verifySpec } from './specs/verify.ts';
import { versionSpec } from './specs/version.ts';
import { walGetSpec } from './specs/walGet.ts';
import { walPushSpec } from './specs/walPush.ts';
import { walReceiveSpec } from './specs/walReceive.ts';
import { walStatusSpec } from './specs/walStatus.ts';

/**
 * Every command, in the order of --help. To add one: `specs/<command>.ts` with its description, `commands/<command>.ts`
 * with `run`, a line here. A name of two words is a command of a group, which then needs a line in `groups`.
 */
export const commandTable: readonly RegisteredCommand[] = [
  register(demoSpec, () => import('./commands/demo.ts')),
  register(initSpec, () => import('./commands/init.ts')),
  register(backupSpec, () => import('./commands/backup.ts')),
  register(restoreSpec, () => import('./commands/restore.ts')),
  register(restoreFilesSpec, () => import('./commands/restoreFiles.ts')),
  register(restoreDatabaseSpec, () => import('./commands/restoreDatabase.ts')),
  register(restoreTableSpec, () => import('./commands/restoreTable.ts')),
  register(statusSpec, () => import('./commands/status.ts')),
  register(monitorSpec, () => import('./commands/monitor.ts')),
  register(snapshotsSpec, () => import('./commands/snapshots.ts')),
  register(lsSpec, () => import('./commands/ls.ts')),
  register(diffSpec, () => import('./commands/diff.ts')),
  register(dumpSpec, () => import('./commands/dump.ts')),
  register(exportSpec, () => import('./commands/export.ts')),
  register(forgetSpec, () => import('./commands/forget.ts')),
  register(pruneSpec, () => import('./commands/prune.ts')),
  register(retentionSimulateSpec, () => import('./commands/retentionSimulate.ts')),
  register(retentionAcknowledgeSpec, () => import('./commands/retentionAcknowledge.ts')),
  register(verifySpec, () => import('./commands/verify.ts')),
  register(checkSpec, () => import('./commands/check.ts')),
  register(unlockSpec, () => import('./commands/unlock.ts')),
  register(keyListSpec, () => import('./commands/keyList.ts')),
  register(keyAddSpec, () => import('./commands/keyAdd.ts')),
  register(keyRemoveSpec, () => import('./commands/keyRemove.ts')),
  register(keyPasswdSpec, () => import('./commands/keyPasswd.ts')),
  register(cacheListSpec, () => import('./commands/cacheList.ts')),
  register(cacheClearSpec, () => import('./commands/cacheClear.ts')),
  register(cacheSaveKeySpec, () => import('./commands/cacheSaveKey.ts')),
  register(cacheForgetKeySpec, () => import('./commands/cacheForgetKey.ts')),
  register(walReceiveSpec, () => import('./commands/walReceive.ts')),
  register(walStatusSpec, () => import('./commands/walStatus.ts')),
  register(walPushSpec, () => import('./commands/walPush.ts')),
  register(walGetSpec, () => import('./commands/walGet.ts')),
  register(planListSpec, () => import('./commands/planList.ts')),
  register(planCheckSpec, () => import('./commands/planCheck.ts')),
  register(planPrintSpec, () => import('./commands/planPrint.ts')),
  register(planRunSpec, () => import('./commands/planRun.ts')),
  register(planStatusSpec, () => import('./commands/planStatus.ts')),
  register(planApproveSpec, () => import('./commands/planApprove.ts')),
  register(planSkipSpec, () => import('./commands/planSkip.ts')),
  register(planPauseSpec, () => import('./commands/planPause.ts')),
  register(planContinueSpec, () => import('./commands/planContinue.ts')),
  register(drillRunSpec, () => import('./commands/drillRun.ts')),
  register(drillListSpec, () => import('./commands/drillList.ts')),
  register(drillShowSpec, () => import('./commands/drillShow.ts')),
  register(evidenceListSpec, () => import('./commands/evidenceList.ts')),
  register(evidenceShowSpec, () => import('./commands/evidenceShow.ts')),
  register(evidenceExportSpec, () => import('./commands/evidenceExport.ts')),
  register(evidenceVerifySpec, () => import('./commands/evidenceVerify.ts')),
  register(evidenceReviewSpec, () => import('./commands/evidenceReview.ts')),
  register(evidenceDeviationSpec, () => import('./commands/evidenceDeviation.ts')),
  register(evidenceStoreSpec, () => import('./commands/evidenceStore.ts')),
  register(evidenceKeygenSpec, () => import('./commands/evidenceKeygen.ts')),
  register(doctorSpec, () => import('./commands/doctor.ts')),
  register(completionSpec, () => import('./commands/completion.ts')),
  register(versionSpec, () => import('./commands/version.ts')),
];

/** Groups of commands and what they are about. */
export const groups: Readonly<Record<string, string>> = {
  plan: 'Recovery plans: what is done, in which order, when everything is gone.',
  drill: 'Rehearsals of recovery plans, and their evidence.',
  evidence: 'What proves drills and recoveries: kept in the repository, for auditors.',
  key: 'The passwords that open the repository.',
  retention: 'How long backups are kept.',
  wal: 'The WAL archive.',
  cache: 'What is kept on this machine for speed.',
};
