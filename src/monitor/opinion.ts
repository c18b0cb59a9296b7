import type { SourceFacts } from './facts.ts';
import type { Finding, Severity } from './finding.ts';
import type { SourceObjectives } from './objectives.ts';

/** A source that is expected, and what there is of it. */
export interface Judged {
  readonly source: string;
  /** Undefined when there is no backup of it. */
  readonly facts: SourceFacts | undefined;
  readonly objective: SourceObjectives;
  readonly now: Date;
}

/** The same where there is something. */
export type JudgedFacts = Omit<Judged, 'facts'> & { readonly facts: SourceFacts };

/** What a rule says, without the source and its own name. */
export interface Opinion {
  readonly severity: Severity;
  readonly message: string;
  readonly values: Finding['values'];
}
