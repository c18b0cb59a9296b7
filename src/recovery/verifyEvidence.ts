import type { KeyObject } from 'node:crypto';
import { isAbout, keyIdOf, openEnvelope, type Envelope } from './envelope.ts';
import type { Evidence } from './evidenceSchema.ts';
import type { StoredEvidence } from './evidenceStore.ts';

/** What checking one report found. */
export interface EvidenceCheck {
  readonly id: string;
  /** What is wrong, in sentences; empty: nothing. */
  readonly problems: readonly string[];
  readonly signature: 'right' | 'unsigned' | 'not checked';
}

/**
 * Checks reports against their signatures, and the chain: what each says of the one before it. Whether the newest were
 * taken away, nothing that is left can tell.
 */
export function verifyChain(all: readonly StoredEvidence[], publicKey: KeyObject | undefined): EvidenceCheck[] {
  const byId = new Map(all.map((one) => [one.original.report.id, one]));
  return all.map((one) => {
    const signed = verifyReport(one.original, { report: one.report, envelope: one.envelope, publicKey });
    return { ...signed, problems: [...signed.problems, ...linkProblems(one, byId), ...amendmentProblems(one)] };
  });
}

export interface ReportParts {
  readonly report: Uint8Array;
  readonly envelope: Envelope | null;
  readonly publicKey: KeyObject | undefined;
}

/** Checks one report against its signature. */
export function verifyReport(original: Evidence, { report, envelope, publicKey }: ReportParts): EvidenceCheck {
  const { id } = original.report;
  const { signingKeyId } = original.integrity;
  const wrong = (problem: string): EvidenceCheck => ({ id, problems: [problem], signature: 'not checked' });
  if (envelope === null) {
    return signingKeyId === null
      ? { id, problems: [], signature: 'unsigned' }
      : wrong('its signature was taken away: it says that it is signed');
  }
  if (publicKey === undefined) return { id, problems: [], signature: 'not checked' };
  if (signingKeyId !== null && signingKeyId !== keyIdOf(publicKey)) {
    return wrong(`it says that it is signed with another key: ${signingKeyId}`);
  }
  const statement = openEnvelope(envelope, publicKey);
  if (statement === undefined) return wrong('its signature is not by this key, or what was signed has changed');
  if (!isAbout(statement, report)) return wrong('it has changed since it was signed');
  return { id, problems: [], signature: 'right' };
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
