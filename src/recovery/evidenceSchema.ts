import { z } from 'zod';

const text = z.string();
const maybe = z.string().nullable();
const number = z.number();
const maybeNumber = z.number().nullable();
const maybeBoolean = z.boolean().nullable();
/** What nobody can know yet: only ever null, and its reason is in `unknown`. */
const never = z.null();
const fact = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const decision = z.object({ by: text, at: text, reason: text });

const step = z.object({
  id: text,
  title: text,
  kind: text,
  critical: z.boolean(),
  owner: maybe,
  /** What the plan says of it. */
  planned: z.object({ after: z.array(text), timeoutSeconds: maybeNumber, attempts: number }),
  status: text,
  /** Who decided about it, else who carried the plan out. */
  actor: maybe,
  begunAt: maybe,
  endedAt: maybe,
  attempts: number,
  machineSeconds: number,
  humanSeconds: number,
  summary: maybe,
  facts: z.record(text, fact),
  error: z.object({ code: text, message: text, hint: maybe }).nullable(),
  decision: decision.nullable(),
  /** SHA-256 of what each attempt printed, secrets removed. */
  outputDigests: z.array(text),
});

const candidate = z.object({ snapshot: text, time: text, chosen: z.boolean(), reason: text });

const backup = z.object({
  step: text,
  kind: text,
  snapshot: maybe,
  backupKind: maybe,
  source: maybe,
  systemIdentifier: maybe,
  serverVersion: maybe,
  timeline: maybeNumber,
  startLsn: maybe,
  stopLsn: maybe,
  recoveredToLsn: maybe,
  /** The point as of which the data came back. */
  consistentAt: maybe,
  completedAt: maybe,
  sizeBytes: maybeNumber,
  /** SHA-256 that names all of its content: the root of its tree. */
  contentDigest: maybe,
  encryption: maybe,
  keyId: maybe,
  location: maybe,
  region: never,
  lock: never,
  selection: maybe,
  candidates: z.array(candidate).nullable(),
  restoredBytes: maybeNumber,
  restoredRows: maybeNumber,
  flaw: maybe,
});

const deviation = z.object({
  /** `D1`: unique in this evidence. */
  id: text,
  step: maybe,
  finding: text,
  severity: z.enum(['major', 'minor']),
  owner: maybe,
  /** Day, `2026-12-06`. */
  dueDate: text,
  ticket: maybe,
  status: z.enum(['open', 'closed']),
  /** What was done about it. */
  note: maybe,
});

const carried = z.object({
  run: text,
  id: text,
  finding: text,
  severity: text,
  owner: maybe,
  dueDate: text,
  overdue: z.boolean(),
  /** Whether this run found it again. */
  foundAgain: z.boolean(),
});

const check = z.object({
  name: text,
  tier: text,
  /** Step of the run, or the proof that it stands in. */
  by: text,
  expected: maybe,
  actual: maybe,
  status: z.enum(['passed', 'warning', 'failed', 'inconclusive', 'skipped']),
  seconds: maybeNumber,
  error: maybe,
  role: maybe,
});

const slots = z.object({
  rule: text,
  wanted: text,
  filled: number,
  missing: z.array(text),
});

const review = z.object({ by: text, decision: z.enum(['accepted', 'rejected']), comment: text, at: text });

const contact = z.object({ name: text, role: text, phone: maybe, email: maybe });

const trial = z.object({ id: text, begunAt: text, result: text, recoverySeconds: maybeNumber, bytes: maybeNumber });

const link = z.object({ id: text, sha256: text, amendments: z.array(text) });

/**
 * What was carried out, when, by whom and with which result. Every field is always there; where one is null, `unknown`
 * says why, by its path (`*` for each item of a list). Times RFC 3339 in UTC. No row's value, no secret.
 */
export const evidenceSchema = z.object({
  format: z.literal(1),
  report: z.object({
    /** Becomes a part of file names. */
    id: z.string().regex(/^[A-Za-z0-9][\w.-]*$/),
    type: z.enum(['drill', 'recovery']),
    exercise: z.enum(['simulation', 'full']),
    product: text,
    version: text,
    buildDigest: never,
    organisation: maybe,
    environment: maybe,
    host: text,
    generatedAt: text,
  }),
  scope: z.object({
    systems: z.array(
      z.object({ source: text, kind: maybe, tier: maybe, dataClass: never, assetId: never, owner: never }),
    ),
    outOfScope: z.array(z.object({ source: text, kind: text, reason: text })),
    databases: z.array(text).nullable(),
  }),
  authority: z.object({
    plan: z.object({ name: text, version: text, digest: text, description: text }),
    planOwner: maybe,
    /** SHA-256 of the configuration, secrets removed. */
    policyDigest: maybe,
    scheduledFor: never,
    startedBy: text,
    approvers: z.array(text),
    changeTicket: maybe,
    decisions: z.array(z.object({ at: text, by: text, decided: text, step: maybe, reason: text })),
  }),
  objective: z.object({
    rtoSeconds: maybeNumber,
    rpoSeconds: maybeNumber,
    scenario: maybe,
    unavailable: z.array(text),
    successCriteria: z.array(text),
  }),
  backups: z.array(backup),
  target: z.object({
    directory: text,
    isolation: maybe,
    notProduction: maybe,
    systemIdentifiers: z.array(text).nullable(),
    region: never,
    imageDigest: never,
    access: maybe,
  }),
  timeline: z.object({
    begunAt: text,
    endedAt: maybe,
    resumptions: number,
    moments: z.object({
      declaredAt: text,
      teamAssembledAt: never,
      backupLocatedAt: never,
      restoreStartedAt: maybe,
      dataRestoredAt: maybe,
      walReplayedAt: maybe,
      checksPassedAt: maybe,
      applicationHealthyAt: maybe,
      trafficBackAt: never,
    }),
    steps: z.array(step),
  }),
  stepsNotRun: z.array(z.object({ id: text, title: text, reason: text })),
  result: z.object({
    verdict: z.enum(['passed', 'warned', 'failed', 'inconclusive', 'not finished']),
    reasonClass: z.enum(['backup', 'tester', 'policy']).nullable(),
    reason: maybe,
    /** From the declaration until the application was healthy, else until the end of the run. */
    recoverySeconds: maybeNumber,
    /** From the first restoring step until the last data was there. */
    restoreSeconds: maybeNumber,
    rtoMet: maybeBoolean,
    recoveredTo: maybe,
    dataLossSeconds: maybeNumber,
    rpoMet: maybeBoolean,
    restoredBytes: maybeNumber,
    restoredRows: maybeNumber,
    totalSeconds: number,
    machineSeconds: number,
    humanSeconds: number,
    interruptedSeconds: number,
  }),
  checks: z.array(check),
  controls: z.object({
    encryptionAtRest: maybe,
    keyId: maybe,
    /** The key was used then: every object that was read is authenticated and decrypted with it. */
    keyTestedAt: maybe,
    connections: z.array(z.object({ source: text, tlsMode: text, tlsRequired: z.boolean() })),
    objectLockTested: never,
    credentialsScope: never,
    sandboxRemoved: maybeBoolean,
    sandboxCheckedAt: maybe,
    masking: never,
  }),
  copies: z.object({
    known: z.array(
      z.object({
        name: text,
        location: text,
        medium: text,
        provider: never,
        region: never,
        immutable: never,
        lastRestoreFrom: maybe,
      }),
    ),
    others: never,
  }),
  retention: z
    .array(z.object({ group: text, kept: number, forgotten: number, rules: z.array(slots), held: maybe }))
    .nullable(),
  deletionsSinceLast: never,
  contacts: z.array(contact),
  people: z.object({
    participants: z.array(z.object({ name: text, roles: z.array(text) })),
    contactTest: never,
    escalation: never,
  }),
  deviations: z.array(deviation),
  carriedOver: z.array(carried).nullable(),
  planChanged: maybeBoolean,
  review: review.nullable(),
  nextDue: never,
  trend: z.object({ tests: z.array(trial), missedMonths: z.array(text) }).nullable(),
  integrity: z.object({
    /** All that no report before this one names: reports, and what was said about them since they were named. */
    previous: z.array(link).nullable(),
    /** `sha256`: of the whole file; `first` and `last`: of these lines, without their ends. */
    journal: z.object({ entries: number, first: text, last: text, sha256: text }),
    signingKeyId: maybe,
    timestampReceipt: never,
    howToVerify: text,
  }),
  raw: z.object({
    tools: z.record(text, text),
    commands: z.array(z.object({ step: text, command: text })),
  }),
  notifications: z.array(z.object({ step: text, channel: text, at: maybe, delivered: z.boolean(), error: maybe })),
  unknown: z.record(text, text),
});

export type Evidence = z.infer<typeof evidenceSchema>;
export type StepEvidence = Evidence['timeline']['steps'][number];
/** A finding that somebody has to see to. */
export type Deviation = Evidence['deviations'][number];
export type BackupEvidence = Evidence['backups'][number];
export type CheckEvidence = Evidence['checks'][number];
export { review as reviewSchema, deviation as deviationSchema };

/** The bytes that are stored, hashed and signed. */
export function serializeEvidence(evidence: Evidence): Buffer {
  return Buffer.from(`${JSON.stringify(evidenceSchema.parse(evidence), undefined, 2)}\n`);
}

/** Undefined when it is none, or one of a newer format. */
export function parseEvidence(json: Uint8Array): Evidence | undefined {
  try {
    return evidenceSchema.safeParse(JSON.parse(Buffer.from(json).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
