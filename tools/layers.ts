/**
 * Which folder of src/ may import which. A folder may always import itself and `base`.
 * Feeds the linter's restricted imports (tools/lint.ts) and the tidy test (tools/tidy.test.ts).
 */
export const layers: Readonly<Record<string, readonly string[]>> = {
  base: [],
  backend: [],
  postgres: [],
  config: [],
  repository: ['backend'],
  snapshot: ['repository'],
  archiver: ['repository', 'snapshot'],
  restorer: ['repository', 'snapshot'],
  wal: ['backend', 'postgres', 'repository', 'snapshot'],
  backup: ['backend', 'postgres', 'repository', 'snapshot', 'archiver', 'wal'],
  restore: ['backend', 'postgres', 'repository', 'snapshot', 'restorer', 'wal', 'backup'],
  retention: ['backend', 'postgres', 'repository', 'snapshot', 'wal', 'backup'],
  verify: ['backend', 'postgres', 'repository', 'snapshot', 'restorer', 'wal', 'backup', 'restore'],
  cli: ['backend', 'postgres', 'config', 'repository', 'snapshot', 'archiver', 'restorer', 'wal', 'backup', 'restore', 'retention', 'verify'],
  testing: ['backend', 'postgres', 'config', 'repository', 'snapshot', 'archiver', 'restorer', 'wal', 'backup', 'restore', 'retention', 'verify', 'cli'],
};
