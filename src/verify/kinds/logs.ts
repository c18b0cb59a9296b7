import { logsDirectoryName, parseLogsRecord } from '../../backup/logsRecord.ts';
import { directoryVerification } from '../directory/verifyDirectory.ts';
import { compareLogsRecord, describeLogs } from '../logs/logsChecks.ts';

/** Rotated logs: the pieces that a snapshot holds are what was written, one after the other. */
export const logsVerification = directoryVerification({
  directoryName: logsDirectoryName,
  parse: parseLogsRecord,
  describe: describeLogs,
  compare: async (_ctx, _repository, loaded) => compareLogsRecord(loaded),
  start: () => '',
  owner: 'stored',
  restoredChecks: [],
  workingDirectory: ({ directory }) => directory,
});
