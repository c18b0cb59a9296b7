import { z } from 'zod';
import type { Context } from '../base/context.ts';
import type { Repository } from '../repository/repository.ts';
import { loadSealed, saveSealed } from '../repository/sealedStore.ts';
import { envelopeSchema, sha256, signEvidence, type Envelope, type SigningKey } from './envelope.ts';
import { deviationSchema, parseEvidence, reviewSchema, serializeEvidence, type Evidence } from './evidenceSchema.ts';
import { keepReasons } from './report/unknown.ts';

const folder = 'understudy/evidence/';

const common = {
  format: z.literal(1),
  run: z.string(),
  /** SHA-256 of the evidence that was looked at. */
  report: z.string(),
  at: z.string(),
  by: z.string(),
};

const amendmentSchema = z.discriminatedUnion('kind', [
  z.object({ ...common, kind: z.literal('review'), review: reviewSchema }),
  /** A new finding, or what became of one that is there: the newest with its id counts. */
  z.object({ ...common, kind: z.literal('deviation'), deviation: deviationSchema }),
]);

/** What people say about evidence afterwards. It is added, and replaces nothing. */
export type Amendment = z.infer<typeof amendmentSchema>;

/** The report as text, so that its bytes stay those that were hashed and signed. */
const bundleSchema = z.object({
  format: z.literal(1),
  kind: z.literal('evidence'),
  report: z.string(),
  envelope: envelopeSchema.nullable(),
});

export interface StoredAmendment {
  readonly object: string;
  readonly sha256: string;
  readonly amendment: Amendment;
}

/** Evidence in the repository, and what was said about it. */
export interface StoredEvidence {
  readonly object: string;
  /** The bytes that were hashed and signed. */
  readonly report: Buffer;
  readonly sha256: string;
  readonly envelope: Envelope | null;
  /** As it was made. */
  readonly original: Evidence;
  /** With what people have said since. */
  readonly evidence: Evidence;
  readonly amendments: readonly StoredAmendment[];
}

/**
 * Stores evidence, sealed and signed where there is a key; never replaced. Throws `object-exists` and what the backend
 * throws.
 */
export async function saveEvidence(
  ctx: Context,
  repository: Repository,
  { evidence, key }: { readonly evidence: Evidence; readonly key: SigningKey | undefined },
): Promise<void> {
  const report = serializeEvidence(evidence);
  const envelope = key === undefined ? null : signEvidence(evidence, report, key);
  const bundle = { format: 1, kind: 'evidence', report: report.toString('utf8'), envelope };
  const plain = Buffer.from(JSON.stringify(bundleSchema.parse(bundle)));
  await saveSealed(ctx, repository, { object: `${placeOf(evidence)}.json`, plain });
}

/** Adds what somebody says about stored evidence. */
export async function amendEvidence(
  ctx: Context,
  repository: Repository,
  { to, ...said }: { readonly to: StoredEvidence } & Said,
): Promise<Amendment> {
  const at = ctx.clock.now().toISOString();
  const { id } = to.original.report;
  const amendment = amendmentSchema.parse({ format: 1, run: id, report: to.sha256, at, ...said });
  const object = placeOfAmendment(to.original, amendment);
  await saveSealed(ctx, repository, { object, plain: Buffer.from(JSON.stringify(amendment)) });
  return amendment;
}

type Said =
  | { readonly kind: 'review'; readonly by: string; readonly review: Extract<Amendment, { kind: 'review' }>['review'] }
  | {
      readonly kind: 'deviation';
      readonly by: string;
      readonly deviation: Extract<Amendment, { kind: 'deviation' }>['deviation'];
    };

/**
 * All evidence, by the ends of the runs, oldest first. What cannot be read, or lies where it was not stored (a copy
 * under another name), is told and left out.
 */
export async function loadEvidence(
  ctx: Context,
  repository: Repository,
  onUnreadable: (object: string, reason: string) => void,
): Promise<StoredEvidence[]> {
  const loaded = await loadSealed(ctx, repository, { prefix: folder, parse, onUnreadable });
  const amendments = loaded.flatMap(({ object, value }): StoredAmendment[] =>
    'amendment' in value ? [{ object, ...value }] : [],
  );
  const found = loaded.flatMap(({ object, value }): StoredEvidence[] => {
    if ('amendment' in value) return [];
    if (object === `${placeOf(value.original)}.json`) return [withAmendments(object, value, amendments)];
    onUnreadable(object, `it holds the evidence of ${value.original.report.id}, which is stored elsewhere`);
    return [];
  });
  const used = new Set(found.flatMap(({ amendments: own }) => own.map(({ object }) => object)));
  for (const { object } of amendments) {
    if (!used.has(object)) onUnreadable(object, 'what it says is about a report that is not there, or has changed');
  }
  return found.toSorted((one, other) => (orderOf(one) < orderOf(other) ? -1 : 1));
}

type ParsedEvidence = Pick<StoredEvidence, 'report' | 'sha256' | 'envelope' | 'original'>;

function withAmendments(object: string, value: ParsedEvidence, all: readonly StoredAmendment[]): StoredEvidence {
  const own = all
    .filter((one) => one.object === placeOfAmendment(value.original, one.amendment))
    .filter(({ amendment }) => amendment.run === value.original.report.id && amendment.report === value.sha256)
    .toSorted((one, other) => (one.object < other.object ? -1 : 1));
  return { object, ...value, evidence: amended(value.original, own), amendments: own };
}

function orderOf({ original: { report } }: StoredEvidence): string {
  return `${report.generatedAt} ${report.id}`;
}

function amended(evidence: Evidence, amendments: readonly StoredAmendment[]): Evidence {
  if (amendments.length === 0) return evidence;
  let { review } = evidence;
  const deviations = new Map(evidence.deviations.map((one) => [one.id, one]));
  for (const { amendment } of amendments) {
    if (amendment.kind === 'review') ({ review } = amendment);
    else deviations.set(amendment.deviation.id, amendment.deviation);
  }
  return keepReasons({ ...evidence, review, deviations: [...deviations.values()] });
}

function placeOf({ report: { id }, timeline: { begunAt } }: Evidence): string {
  return `${folder}${begunAt.slice(0, 4)}/${begunAt.slice(5, 7)}/${id}`;
}

function placeOfAmendment(evidence: Evidence, { at, kind }: Amendment): string {
  return `${placeOf(evidence)}/${at.replaceAll(/[-:.]/g, '')}-${kind}.json`;
}

type Parsed = ParsedEvidence | Omit<StoredAmendment, 'object'>;

function parse(plain: Buffer): Parsed | undefined {
  const document: unknown = jsonOf(plain);
  const amendment = amendmentSchema.safeParse(document).data;
  if (amendment !== undefined) return { amendment, sha256: sha256(plain) };
  const bundle = bundleSchema.safeParse(document).data;
  if (bundle === undefined) return undefined;
  const report = Buffer.from(bundle.report);
  const original = parseEvidence(report);
  return original === undefined ? undefined : { report, sha256: sha256(report), envelope: bundle.envelope, original };
}

function jsonOf(plain: Buffer): unknown {
  try {
    return JSON.parse(plain.toString('utf8'));
  } catch {
    return undefined;
  }
}
