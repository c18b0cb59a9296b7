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
 * Checks reports against their signatures, and the chain: what each says of those before it. Where there are keys, a
 * report without a signature has to be named by one with a right signature, or by one that such a one names. Whether
 * the newest were taken away, nothing that is left can tell.
 */
export function verifyChain(all: readonly StoredEvidence[], publicKeys: readonly KeyObject[]): EvidenceCheck[] {
  const byId = new Map(all.map((one) => [one.original.report.id, one]));
  const checked = all.map((one) => ({
    one,
    check: verifyReport(one.original, { report: one.report, envelope: one.envelope, publicKeys }),
  }));
  const vouched = vouchedFor(
    checked.filter(({ check }) => check.signed).map(({ one }) => one),
    byId,
  );
  return checked.map(({ one, check }) => {
    const unproved = publicKeys.length > 0 && one.envelope === null && !vouched.has(one.sha256);
    const open = unproved && check.problems.length === 0 ? ['it is not signed, and no signed report names it'] : [];
    return { ...check, problems: [...check.problems, ...open, ...linkProblems(one, byId)] };
  });
}

/** Digests of these reports, and of all that they name, one through another. */
function vouchedFor(signed: readonly StoredEvidence[], byId: ReadonlyMap<string, StoredEvidence>): Set<string> {
  const vouched = new Set<string>();
  const open = [...signed];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (vouched.has(one.sha256)) continue;
    vouched.add(one.sha256);
    for (const { id, sha256 } of one.original.integrity.previous ?? []) {
      const before = byId.get(id);
      if (before?.sha256 === sha256) open.push(before);
    }
  }
  return vouched;
}

/** What evidence that is made now has to name: reports that no report names, or not with all that is said of them. */
export function looseEnds(all: readonly StoredEvidence[]): NonNullable<Evidence['integrity']['previous']> {
  const links = all.flatMap(({ original }) => original.integrity.previous ?? []);
  const named = new Set(links.flatMap(({ sha256, amendments }) => [sha256, ...amendments]));
  return all.flatMap(({ original, sha256, amendments }) => {
    const said = amendments.map((one) => one.sha256);
    const isLoose = [sha256, ...said].some((digest) => !named.has(digest));
    return isLoose ? [{ id: original.report.id, sha256, amendments: said }] : [];
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
  return (original.integrity.previous ?? []).flatMap(({ id, sha256, amendments }) => {
    const before = byId.get(id);
    if (before === undefined) return [`the evidence before it is missing: ${id}`];
    const lost = amendments.filter((digest) => before.amendments.every((one) => one.sha256 !== digest));
    return [
      ...(before.sha256 === sha256 ? [] : [`the evidence before it has changed: ${id}`]),
      ...(lost.length === 0 ? [] : [`what was said about ${id} has changed, or is missing`]),
    ];
  });
}
