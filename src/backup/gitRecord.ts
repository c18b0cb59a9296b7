import { z } from 'zod';
import { parseRecord, serializeRecord } from './recordJson.ts';

/** The mirror in a snapshot of a git repository, beside the record: `git clone` takes it. */
export const mirrorName = 'repository.git';

const time = z.iso.datetime({ precision: 3 });
const objectId = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/);

const branch = z.object({
  name: z.string(),
  state: z.enum(['equal', 'ahead', 'behind', 'diverged', 'only-here', 'only-there']),
  /** Commits that only we, or only the remote, have. */
  ahead: z.int(),
  behind: z.int(),
});

const remote = z.object({
  name: z.string(),
  /** Without credentials. */
  url: z.string(),
  state: z.enum(['reachable', 'unreachable']),
  /** Why it cannot be reached; null when it can. */
  reason: z.string().nullable(),
  /** Empty when it cannot be reached. */
  branches: z.array(branch),
});

/** What a working directory has and git has not; null for a bare repository. */
const working = z.object({
  /** Files that differ from the last commit, and files that git does not know and does not ignore. */
  changed: z.int(),
  untracked: z.int(),
});

const schema = z.object({
  format: z.literal(1),
  kind: z.literal('git'),
  source: z.string(),
  /** Where it was read from: a path, or a URL without credentials. */
  from: z.string(),
  startTime: time,
  stopTime: time,
  parent: z.string().nullable(),
  objectFormat: z.enum(['sha1', 'sha256']),
  /** A branch, or a commit when it is detached; both for a branch that has one. */
  head: z.object({ ref: z.string().nullable(), id: objectId.nullable() }),
  refs: z.array(z.object({ name: z.string(), id: objectId })),
  /** Commits that no ref names: older stashes, detached heads. In the mirror as `refs/understudy/kept/<id>`. */
  kept: z.array(objectId),
  remotes: z.array(remote),
  working: working.nullable(),
  stashes: z.int(),
  /** History was cut off when the repository was cloned; what was cut off is not in the backup. */
  isShallow: z.boolean(),
  /** Paths of other repositories inside; they are sources of their own. */
  submodules: z.array(z.string()),
  /** Files are kept outside of git by Git LFS; they are not in the backup. */
  usesLfs: z.boolean(),
  packs: z.int(),
  sizeBytes: z.int(),
  /** What `git fsck --full` remarks of objects that are intact and not as git would write them today. */
  remarks: z.array(z.string()),
});

/** Facts about a backup of a git repository, stored as `understudy.json` in its snapshot. Times in UTC. */
export type GitRecord = z.infer<typeof schema>;
export type RemoteComparison = GitRecord['remotes'][number];
export type BranchComparison = RemoteComparison['branches'][number];

export function serializeGitRecord(record: GitRecord): Buffer {
  return serializeRecord(schema, record);
}

/** Throws `repository-damaged` when it is not one, `repository-unsupported` for a newer format. */
export function parseGitRecord(json: Buffer): GitRecord {
  return parseRecord(schema, json);
}
