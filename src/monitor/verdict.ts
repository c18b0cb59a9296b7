import { exposureOf } from './exposure.ts';
import type { RepositoryFacts } from './facts.ts';
import { badFindings, type Finding } from './finding.ts';
import { spanText } from './words.ts';

/** How many findings of the worst severity are told in one sentence. */
const told = 2;

/**
 * All of it in one sentence. Good only when nothing is overdue, failed, unverified or missing, and says then how much
 * would be lost at most.
 */
export function verdictSentence(findings: readonly Finding[], facts: RepositoryFacts, now: Date): string {
  const bad = badFindings(findings);
  if (bad.length === 0) return goodSentence(findings, facts, now);
  const worstOnes = bad.filter(({ severity }) => severity === bad[0]?.severity).slice(0, told);
  const rest = bad.length - worstOnes.length;
  return [...worstOnes.map(findingText), ...(rest > 0 ? [`and ${rest} more`] : [])].join('; ');
}

/** `database: there is no backup`. */
export function findingText({ source, message }: Finding): string {
  return source === undefined ? message : `${source}: ${message}`;
}

function goodSentence(findings: readonly Finding[], { sources }: RepositoryFacts, now: Date): string {
  const judged = new Set(findings.flatMap(({ source, rule }) => (rule === 'backup' ? (source ?? []) : [])));
  const exposures = sources
    .filter(({ source }) => judged.has(source))
    .flatMap((facts) => {
      const lossMs = exposureOf(facts, now)?.lossMs;
      return lossMs === undefined ? [] : [{ source: facts.source, lossMs }];
    })
    .toSorted((one, other) => other.lossMs - one.lossMs);
  const [most] = exposures;
  if (most === undefined) return 'no source was judged';
  if (judged.size === 1)
    return `${most.source} is backed up and proved; if it were lost now, ${spanText(most.lossMs)} would be lost`;
  const loss = `the most that would be lost now is ${spanText(most.lossMs)} (${most.source})`;
  return `${judged.size} sources are backed up and proved; ${loss}`;
}
