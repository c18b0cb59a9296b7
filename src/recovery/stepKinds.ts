import { approveKind } from './kinds/approve.ts';
import { httpKind } from './kinds/http.ts';
import { notifyKind } from './kinds/notify.ts';
import { restoreClusterKind } from './kinds/restoreCluster.ts';
import { restoreDatabaseKind } from './kinds/restoreDatabase.ts';
import { restoreFilesKind } from './kinds/restoreFiles.ts';
import { restoreTableKind } from './kinds/restoreTable.ts';
import { runKind } from './kinds/run.ts';
import { sqlKind } from './kinds/sql.ts';
import { testClusterKind } from './kinds/testCluster.ts';
import { waitKind } from './kinds/wait.ts';
import type { StepKind } from './stepKind.ts';

/** Every kind of step that there is. To add one: a file in `kinds/`, a line here. */
export const stepKinds: readonly StepKind[] = [
  restoreClusterKind,
  restoreDatabaseKind,
  restoreTableKind,
  restoreFilesKind,
  testClusterKind,
  runKind,
  sqlKind,
  httpKind,
  waitKind,
  approveKind,
  notifyKind,
];
