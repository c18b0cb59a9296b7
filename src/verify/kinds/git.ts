import { mirrorName, parseGitRecord } from '../../backup/gitRecord.ts';
import { directoryVerification } from '../directory/verifyDirectory.ts';
import { cloneDirectory, gitChecks } from '../git/gitChecks.ts';
import { compareGitRecord, describeGit } from '../git/gitRecordChecks.ts';

/** A mirror of a git repository; the user's commands run in a clone of it. */
export const gitVerification = directoryVerification({
  directoryName: mirrorName,
  parse: parseGitRecord,
  describe: describeGit,
  compare: compareGitRecord,
  start: () => '',
  // git refuses to work in a repository of somebody else
  owner: 'ours',
  restoredChecks: gitChecks,
  workingDirectory: ({ scratch }) => cloneDirectory(scratch),
});
