import { filesDirectoryName, parseFilesRecord } from '../../backup/filesRecord.ts';
import { directoryVerification } from '../directory/verifyDirectory.ts';
import { compareFilesRecord, describeFiles } from '../files/filesChecks.ts';

/** Application files, configuration, secrets. */
export const filesVerification = directoryVerification({
  directoryName: filesDirectoryName,
  parse: parseFilesRecord,
  describe: describeFiles,
  compare: async (_ctx, _repository, loaded) => compareFilesRecord(loaded),
  start: ({ base }) => (base === '/' ? '' : base),
  owner: 'stored',
  restoredChecks: [],
  workingDirectory: ({ directory }) => directory,
});
