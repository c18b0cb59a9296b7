/** What a step found out, by name; plain values only. */
export type Facts = Readonly<Record<string, string | number | boolean | null>>;

/** Why a step failed, without secrets. */
export interface StepError {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

/** What a person says about a run before it begins. */
export interface Circumstances {
  /** When the disaster was declared, RFC 3339; the recovery time counts from then. */
  readonly declaredAt: string | null;
  readonly ticket: string | null;
  readonly scenario: string | null;
  /** Key people who are taken for unavailable. */
  readonly unavailable: readonly string[];
}

export interface RunBegun {
  readonly type: 'begun';
  readonly format: 1;
  readonly run: string;
  /** The plan with all values but the secret ones in it. */
  readonly plan: unknown;
  /** SHA-256 of that document. */
  readonly planDigest: string;
  /** Who started the run. */
  readonly by: string;
  readonly host: string;
  readonly programVersion: string;
  readonly circumstances?: Circumstances;
  readonly drill: boolean;
  readonly directory: string;
}

/** Everything that can happen in a run. The journal is the list of these, each with its time. */
export type RunEvent =
  | RunBegun
  /** Another process took the run up: what was under way then was cut short. */
  | { readonly type: 'attached'; readonly pid: number; readonly host: string; readonly by: string }
  | { readonly type: 'step-begun'; readonly step: string; readonly attempt: number }
  | {
      readonly type: 'step-succeeded';
      readonly step: string;
      readonly attempt: number;
      readonly durationMs: number;
      readonly summary: string;
      readonly facts: Facts;
      readonly outputDigest: string | null;
    }
  | {
      readonly type: 'step-failed';
      readonly step: string;
      readonly attempt: number;
      readonly durationMs: number;
      readonly error: StepError;
      readonly outputDigest: string | null;
      /** Another attempt follows after this pause. */
      readonly retryInMs: number | null;
    }
  /** A person is asked: to approve, or what became of a step that was cut short and may not simply be repeated. */
  | { readonly type: 'step-waits'; readonly step: string; readonly why: 'approval' | 'interrupted' }
  | Decided<'step-approved'>
  | Decided<'step-declined'>
  | Decided<'step-skipped'>
  | Omit<Decided<'paused'>, 'step'>
  | Omit<Decided<'continued'>, 'step'>
  /** A decision that came when it made no sense. */
  | { readonly type: 'decision-refused'; readonly decision: string; readonly by: string; readonly reason: string }
  | { readonly type: 'ended'; readonly verdict: RunVerdict };

/** `warned`: the plan was carried through, with a failure that is not critical or a step that somebody left out. */
export type RunVerdict = 'passed' | 'warned' | 'failed';

interface Decided<Type extends string> {
  readonly type: Type;
  /** Id of the decision, so that it counts once. */
  readonly decision: string;
  readonly step: string;
  readonly by: string;
  readonly reason: string;
}

/** A line of the journal. */
export type JournalEntry = RunEvent & {
  /** ISO 8601, UTC. */
  readonly at: string;
};
