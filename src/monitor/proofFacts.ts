import type { SourceKind } from '../backup/sourceSnapshot.ts';
import { levelOfAll, type Proof } from '../verify/proof.ts';
import type { ProofFacts, SourceFacts } from './facts.ts';

/**
 * From which level on a proof counts as a verification: a database has to be restored, since an archive that can be
 * listed need not load; of files it is enough that every byte was read.
 */
const countsFrom: Readonly<Record<SourceKind, number>> = { postgres: 4, dump: 4, files: 2, logs: 2, git: 2 };
/** A proof of the whole repository reads every byte. */
const wholeRepositoryLevel = 2;
/** Only from here on something is recovered, so that its time says anything. */
const recoveryLevel = 4;

export interface ProvedSource {
  readonly source: string;
  readonly kind: SourceKind;
  /** Ids of the snapshots that are there, also those they had before they were rewritten. */
  readonly present: ReadonlySet<string>;
}

/** What the proofs, newest first, say of a source. A proof outlives its snapshot: the source was proved then. */
export function proofFacts(
  proofs: readonly Proof[],
  of: ProvedSource,
): Pick<SourceFacts, 'verified' | 'lastProof' | 'recovery'> {
  const own = proofs.filter(({ snapshot, level }) =>
    snapshot === null ? level >= wholeRepositoryLevel : snapshot.source === of.source && snapshot.kind === of.kind,
  );
  const passed = own.filter(({ verdict }) => verdict === 'passed');
  const verified = passed.find((proof) => levelOfAll(proof) >= countsFrom[of.kind]);
  const recovered = passed.find(({ level, recoveryMs }) => level >= recoveryLevel && recoveryMs !== null);
  const last = lastThatCounts(own.filter(({ snapshot }) => snapshot === null || of.present.has(snapshot.id)));
  return {
    verified: verified === undefined ? undefined : factsOf(verified),
    lastProof: last === undefined ? undefined : factsOf(last),
    recovery:
      recovered?.recoveryMs == null
        ? undefined
        : { durationMs: recovered.recoveryMs, at: new Date(recovered.finishedAt) },
  };
}

/**
 * A proof that did not pass stands until one of its level or above has; a lesser one proves nothing against it, nor one
 * of a single snapshot against damage of the repository. One that failed says more than a later one without a result.
 */
function lastThatCounts(proofs: readonly Proof[]): Proof | undefined {
  const standing: Proof[] = [];
  const passed = { any: 0, whole: 0 };
  for (const proof of proofs) {
    const { verdict, level, snapshot } = proof;
    if (verdict === 'passed') {
      passed.any = Math.max(passed.any, levelOfAll(proof));
      if (snapshot === null) passed.whole = Math.max(passed.whole, levelOfAll(proof));
    } else if (level > (snapshot === null ? passed.whole : passed.any)) standing.push(proof);
  }
  return standing.find(({ verdict }) => verdict === 'failed') ?? standing[0] ?? proofs[0];
}

function factsOf({ snapshot, verdict, level, finishedAt }: Proof): ProofFacts {
  return { snapshot: snapshot?.id, verdict, level, at: new Date(finishedAt) };
}
