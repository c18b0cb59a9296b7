import { z } from 'zod';
import type { Context } from '../base/context.ts';
import type { Secret } from '../base/secret.ts';
import type { Facts } from './runEvent.ts';
import type { StepServices } from './stepServices.ts';

/** What a step hands over when it succeeded; all of it is written into journal and evidence. */
export interface StepResult {
  /** One sentence for a person, e.g. `restored 12 files`. */
  readonly summary: string;
  /** What it found out, by name; never a row's value, never a secret. */
  readonly facts?: Facts;
}

/** What a step may use while it runs. */
export interface StepEnvironment {
  /** Identity of this step and attempt; processes that are started carry it (see leftovers.ts). */
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  /** Where relative paths of the step start: the run's working directory, or a drill's sandbox. */
  readonly directory: string;
  /** Puts the values of secret parameters in place of `${name}`. */
  fill(text: string): Secret;
  /** Takes a line of what the step prints; it is masked and kept beside the journal. */
  output(line: string): void;
  readonly services: StepServices;
}

export interface KindProblem {
  /** Below the step. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

type Shape = Readonly<Record<string, z.ZodType>>;
type Options<Keys extends Shape> = z.output<z.ZodObject<Keys>>;

/** What a step of one kind looks like in a plan, and what it does. */
export interface StepKindDefinition<Keys extends Shape> {
  readonly name: string;
  /** The keys that only steps of this kind have. */
  readonly shape: Keys;
  /** Those of them whose texts may hold secret parameters: they reach neither a command line nor the journal. */
  readonly secretKeys?: readonly (keyof Keys & string)[];
  /** Whether a step that was cut short may simply be done again; a plan may say otherwise (`repeatable`). */
  repeatable(options: Options<Keys>): boolean;
  /** Finds what the shape cannot say. */
  check?(options: Options<Keys>): readonly KindProblem[];
  /** Throws `OperationError` when the step failed, and the reason of an aborted context. */
  run(ctx: Context, options: Options<Keys>, environment: StepEnvironment): Promise<StepResult>;
  /** What a person types who has stock programs only; undefined: the step's runbook text says it all. */
  byHand?(options: Options<Keys>): string | undefined;
}

/** A kind of step, whatever its own keys are. */
export type StepKind = Omit<StepKindDefinition<Shape>, 'secretKeys'> & { readonly secretKeys: readonly string[] };

/** Lets a kind be written with the types of its own keys. */
export function defineStepKind<const Keys extends Shape>(definition: StepKindDefinition<Keys>): StepKind {
  return { secretKeys: [], ...definition };
}
