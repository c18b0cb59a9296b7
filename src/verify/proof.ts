import { z } from 'zod';
import { sourceKinds } from '../backup/sourceSnapshot.ts';

/** What each level proves, in words for people. */
export const levelMeanings = {
  1: 'structure: keys, index, packs, trees and snapshots agree with each other',
  2: 'data: every blob was read, authenticated and hashed',
  3: 'archive: the backup agrees with its own record, and what others would read it with accepts it',
  4: 'restore: the backup was restored in a sandbox, read completely, and compared with its record',
  5: 'application: your own assertions hold in what was restored',
} as const;
export const levels = [1, 2, 3, 4, 5] as const;
export type Level = keyof typeof levelMeanings;

/**
 * `warning`: good, but somebody should know something. `inconclusive`: the tester's fault, the backup may be good.
 * `skipped`: not asked for or not applicable, with the reason in `detail`.
 */
export const checkStatuses = ['passed', 'warning', 'failed', 'inconclusive', 'skipped'] as const;
export type CheckStatus = (typeof checkStatuses)[number];

const level = z.literal(levels);
const milliseconds = z.number().nonnegative();

const check = z.object({
  name: z.string(),
  level,
  status: z.enum(checkStatuses),
  expected: z.string().nullable(),
  actual: z.string().nullable(),
  /** One line for each thing that was found; at most `maxDetailLines`. */
  detail: z.array(z.string()),
  /** What to do about it. */
  hint: z.string().nullable(),
  durationMs: milliseconds,
});

const phase = z.object({ name: z.enum(['restore', 'replay', 'checks']), durationMs: milliseconds });

const table = z.object({
  database: z.string(),
  name: z.string(),
  rows: z.number(),
  /** Sum of the hashes of all rows as text, whatever their order; equal content has equal sums. */
  fingerprint: z.string(),
});

const recovery = z.object({
  target: z.string(),
  timeline: z.number(),
  /** Where replay ended. */
  lsn: z.string(),
  /** Commit time of the last transaction that was replayed, as PostgreSQL prints it. */
  lastCommit: z.string().nullable(),
  serverVersion: z.string(),
  binaries: z.string(),
  /** What of the machine the sandbox could not reach. */
  isolation: z.object({ mounts: z.boolean(), network: z.boolean() }),
});

const schema = z.object({
  format: z.literal(1),
  kind: z.literal('proof'),
  verdict: z.enum(['passed', 'failed', 'inconclusive']),
  level,
  /** Below level 4 a part of the data was read only. */
  partial: z.boolean().default(false),
  /** The backup that was verified; null for a whole repository. */
  snapshot: z.object({ id: z.string(), kind: z.enum(sourceKinds), source: z.string(), time: z.string() }).nullable(),
  /** Who verified: the host's name. */
  tester: z.string(),
  startedAt: z.string(),
  finishedAt: z.string(),
  checks: z.array(check),
  /** Checks that were not reached because an earlier one failed. */
  notReached: z.array(z.string()),
  phases: z.array(phase),
  /** Restore and replay together: the recovery time that was proved. Null where all of it was not brought back. */
  recoveryMs: milliseconds.nullable(),
  /** Of a physical backup, when it was recovered. */
  recovery: recovery.nullable(),
  tables: z.array(table),
});

export type Check = z.infer<typeof check>;
export type Phase = z.infer<typeof phase>;
export type VerifiedTable = z.infer<typeof table>;
/** The result of a verification: what was checked, what was expected and found, how long it took. Times in UTC. */
export type Proof = z.infer<typeof schema>;
export type Verdict = Proof['verdict'];

/** A bad backup wins over a bad tester; a warning is no fault. */
export function verdictOf(checks: readonly Pick<Check, 'status'>[]): Verdict {
  const has = (status: CheckStatus): boolean => checks.some((one) => one.status === status);
  if (has('failed')) return 'failed';
  return has('inconclusive') || !(has('passed') || has('warning')) ? 'inconclusive' : 'passed';
}

/** Up to which level a proof that passed says something of all the data: restoring reads all of it. */
export function levelOfAll(proof: Pick<Proof, 'level' | 'partial'>): Level {
  return proof.partial && proof.level < 4 ? 1 : proof.level;
}

export function serializeProof(proof: Proof): Buffer {
  return Buffer.from(`${JSON.stringify(schema.parse(proof), undefined, 2)}\n`);
}

/** Undefined when it is none, or one of a newer format. */
export function parseProof(json: Buffer): Proof | undefined {
  try {
    return schema.safeParse(JSON.parse(json.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
