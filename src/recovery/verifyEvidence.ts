import type { KeyObject } from 'node:crypto';
import { isAbout, keyIdOf, openEnvelope, type Envelope } from './envelope.ts';
import type { Evidence } from './evidenceSchema.ts';
import type { StoredEvidence } from './evidenceStore.ts';

/** What checking one report found. */
export interface EvidenceCheck {
  readonly id: string;
  /** What is wrong, in sentences; empty: nothing. */
  readonly problems: readonly string[];
  /** Whether a signature was checked, and is right. */
  readonly signed: boolean;
}

/**
 * Checks reports against their signatures, and the chain: what each says of the one before it. Whether the newest were
 * taken away, nothing that is left can tell.
 */
export function verifyChain(all: readonly StoredEvidence[], publicKeys: readonly KeyObject[]): EvidenceCheck[] {
  const byId = new Map(all.map((one) => [one.original.report.id, one]));
  return all.map((one) => {
    const signed = verifyReport(one.original, { report: one.report, envelope: one.envelope, publicKeys });
    return { ...signed, problems: [...signed.problems, ...linkProblems(one, byId), ...amendmentProblems(one)] };
  });
}

export interface ReportParts {
  readonly report: Uint8Array;
  readonly envelope: Envelope | null;
  readonly publicKeys: readonly KeyObject[];
}

/** Checks one report against its signature; one that cannot be checked is a problem, not left out. */
export function verifyReport(original: Evidence, { report, envelope, publicKeys }: ReportParts): EvidenceCheck {
  const { id } = original.report;
  const { signingKeyId } = original.integrity;
  const wrong = (problem: string): EvidenceCheck => ({ id, problems: [problem], signed: false });
  if (envelope === null) {
    return signingKeyId === null
      ? { id, problems: [], signed: false }
      : wrong('its signature was taken away: it says that it is signed');
  }
  if (signingKeyId === null) return wrong('it has a signature, and says that it has none');
  const publicKey = publicKeys.find((key) => keyIdOf(key) === signingKeyId);
  if (publicKey === undefined) return wrong(`its signature cannot be checked: no key ${signingKeyId} was given`);
  const statement = openEnvelope(envelope, publicKey);
  if (statement === undefined) return wrong('its signature is not by this key, or what was signed has changed');
  return isAbout(statement, report) ? { id, problems: [], signed: true } : wrong('it has changed since it was signed');
}

function linkProblems({ original }: StoredEvidence, byId: ReadonlyMap<string, StoredEvidence>): string[] {
  const { previous } = original.integrity;
  if (previous === null) return [];
  const before = byId.get(previous.id);
  if (before === undefined) return [`the evidence before it is missing: ${previous.id}`];
  const lost = previous.amendments.filter((digest) => before.amendments.every((one) => one.sha256 !== digest));
  return [
    ...(before.sha256 === previous.sha256 ? [] : [`the evidence before it has changed: ${previous.id}`]),
    ...(lost.length === 0 ? [] : [`what was said about ${previous.id} has changed, or is missing`]),
  ];
}

function amendmentProblems({ sha256, amendments }: StoredEvidence): string[] {
  return amendments
    .filter(({ amendment }) => amendment.report !== sha256)
    .map(({ object }) => `${object} is about another content of it`);
}
