import type { RepositoryFacts, SourceFacts } from './facts.ts';
import type { Finding } from './finding.ts';
import { judgeSource } from './judgeSource.ts';
import { defaultObjectives, type SourceObjectives } from './objectives.ts';

/** What is expected of whom. */
export interface Expectations {
  /** By the name of the source; undefined when nothing is configured: what is found is judged by the defaults. */
  readonly objectives: ReadonlyMap<string, SourceObjectives> | undefined;
  /** Only these sources; undefined for all. */
  readonly sources: ReadonlySet<string> | undefined;
}

/**
 * Judges facts against what is expected: a finding for each rule that says something. Decides nothing else, reads
 * nothing: the same facts at the same moment give the same findings.
 */
export function judge(facts: RepositoryFacts, { objectives, sources }: Expectations, now: Date): Finding[] {
  const wanted = (name: string): boolean => sources === undefined || sources.has(name);
  const expected = expectedSources(facts, objectives);
  const findings: Finding[] = [];
  for (const [source, objective] of expected) {
    if (!wanted(source)) continue;
    findings.push(...judgeSource({ source, facts: factsOf(facts, source, objective), objective, now }));
  }
  for (const found of facts.sources) {
    if (wanted(found.source) && !isExpected(found, expected)) findings.push(notConfigured(found));
  }
  return [...findings, ...judgeRepository(facts, sources === undefined && expected.size === 0)];
}

/** Who is judged by what: what is configured, else all that is found by the defaults. */
export function expectedSources(
  { sources }: Pick<RepositoryFacts, 'sources'>,
  objectives: Expectations['objectives'],
): ReadonlyMap<string, SourceObjectives> {
  return objectives ?? new Map(sources.map(({ source, kind }) => [source, defaultObjectives(kind)]));
}

/** A source that changed its kind is another one: what is left of the old says nothing of the new. */
function isExpected({ source, kind }: SourceFacts, expected: ReadonlyMap<string, SourceObjectives>): boolean {
  return expected.get(source)?.kind === kind;
}

/** What there is of a source that is expected. */
export function factsOf(
  facts: Pick<RepositoryFacts, 'sources'>,
  source: string,
  { kind }: SourceObjectives,
): SourceFacts | undefined {
  return facts.sources.find((each) => each.source === source && each.kind === kind);
}

function notConfigured({ source, kind, backupCount }: SourceFacts): Finding {
  const backups = backupCount === 1 ? 'a backup' : `${backupCount} backups`;
  const message = `not configured here, with ${backups} of kind ${kind} in the repository`;
  return { source, rule: 'not-configured', severity: 'info', message, values: { kind, backups: backupCount } };
}

/** Of which source an unreadable snapshot is nobody knows: it may be the newest of any. */
function judgeRepository(facts: RepositoryFacts, isEmpty: boolean): Finding[] {
  const { unreadableSnapshots } = facts;
  const findings: Finding[] = [];
  const add = (severity: Finding['severity'], message: string, values: Finding['values'] = {}): void => {
    findings.push({ source: undefined, rule: 'repository', severity, message, values });
  };
  if (unreadableSnapshots > 0) {
    const which = unreadableSnapshots === 1 ? 'a snapshot' : `${unreadableSnapshots} snapshots`;
    add('warning', `${which} of the repository cannot be read`, { unreadableSnapshots });
  }
  if (isEmpty) {
    const others = facts.foreignSnapshots === 0 ? '' : `, only ${facts.foreignSnapshots} snapshots of other programs`;
    add('critical', `there is no backup of any source${others}`, { foreignSnapshots: facts.foreignSnapshots });
  }
  return findings;
}
