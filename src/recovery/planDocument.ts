import { z } from 'zod';
import { parseDuration } from '../base/duration.ts';
import type { StepKind } from './stepKind.ts';

/** A parameter of a plan; the caller of the plan gives its value. */
export type ParameterSpec = z.output<ReturnType<typeof parameterSchema>>;

/** How often and after which pauses a failed step is tried again. */
export interface RetrySpec {
  readonly times: number;
  /** Pause before the second attempt; each further one is twice as long. */
  readonly delayMs: number;
  readonly longestDelayMs: number;
}

/** One step as the engine sees it. */
export interface Step {
  readonly id: string;
  readonly title: string;
  readonly kind: string;
  readonly needs: readonly string[];
  readonly when: boolean;
  readonly timeoutMs: number | undefined;
  readonly retries: RetrySpec;
  readonly critical: boolean;
  /** Clean-up: runs at the end, whatever happened before. */
  readonly always: boolean;
  /** May act outside of the sandbox in a drill. */
  readonly drill: boolean;
  readonly repeatable: boolean;
  readonly owner: string | undefined;
  readonly runbook: string | undefined;
  /** The keys of its kind, as that kind's schema gives them. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A recovery plan, complete and checked for its shape. */
export interface Plan {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly owner: string | undefined;
  readonly parameters: Readonly<Record<string, ParameterSpec>>;
  readonly objective: { readonly rtoMs: number | undefined; readonly rpoMs: number | undefined };
  /** How many steps may run at once. */
  readonly parallel: number;
  readonly steps: readonly Step[];
}

const defaultParallel = 4;
const mostParallel = 32;
const mostRetries = 100;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;

/** A span of time in a plan; comes out in milliseconds. */
export function planDuration() {
  return z.string().transform((value, context) => {
    const milliseconds = parseDuration(value);
    if (milliseconds === undefined) context.addIssue(`expected a duration such as 90s or 15m, found "${value}"`);
    return milliseconds ?? 0;
  });
}

/** True, false, or two texts that are compared: values are in their places by now. */
function condition() {
  return z.union([z.boolean(), z.string()]).transform((value, context) => {
    if (typeof value === 'boolean') return value;
    const [, left, operator, right] = /^(.*?) (==|!=) (.*)$/s.exec(value) ?? [];
    if (operator === undefined) context.addIssue(`expected true, false, or a comparison, found "${value}"`);
    return (left === right) === (operator === '==');
  });
}

/** The shape of a plan whose steps may be of these kinds. */
export function planSchema(kinds: readonly StepKind[]) {
  const steps = kinds.map((kind) => stepSchema(kind));
  return z
    .strictObject({
      format: z.literal(1).describe('Version of this format.'),
      name: name().describe('Name of the plan.'),
      version: z.union([z.string().min(1), z.number()]).describe('Version of the plan; evidence says which one ran.'),
      description: z.string().min(1).describe('What the plan brings back, and when to use it.'),
      owner: z.string().min(1).optional().describe('Who keeps the plan right.'),
      parameters: z.record(name(), parameterSchema()).default({}).describe('What the caller chooses, by name.'),
      objective: z
        .strictObject({
          rto: planDuration().optional().describe('How long the recovery may take.'),
          rpo: planDuration().optional().describe('How much may be lost.'),
        })
        .default({})
        .describe('What the recovery is measured against.'),
      parallel: z.int().min(1).max(mostParallel).default(defaultParallel).describe('How many steps may run at once.'),
      steps: z
        .array(z.discriminatedUnion('kind', steps as [(typeof steps)[0], ...typeof steps]))
        .min(1, 'a plan has at least one step')
        .describe('The steps; those whose needs are met run side by side.'),
    })
    .transform(
      ({ name: planName, version, description, owner, parameters, objective, parallel, steps: all }): Plan => ({
        name: planName,
        version: String(version),
        description,
        owner,
        parameters,
        parallel,
        steps: all,
        objective: { rtoMs: objective.rto, rpoMs: objective.rpo },
      }),
    );
}

function name() {
  return z.string().regex(namePattern, 'expected a name of letters, digits, "_" and "-"');
}

function parameterSchema() {
  return z.strictObject({
    description: z.string().min(1).describe('What it means, for the person who gives it.'),
    default: z.union([z.string(), z.number(), z.boolean()]).optional().describe('Its value when none is given.'),
    example: z.union([z.string(), z.number(), z.boolean()]).optional().describe('A value, for checks and on paper.'),
    secret: z.boolean().default(false).describe('Its value is kept out of journal, evidence, output and arguments.'),
    environment: z.string().min(1).optional().describe('Environment variable that gives it.'),
  });
}

const commonShape = {
  id: name().describe('Name of the step in `needs`, journal and evidence.'),
  title: z.string().min(1).describe('What the step achieves, in a few words.'),
  needs: z.array(z.string()).default([]).describe('Steps that come before.'),
  when: condition().default(true).describe('False leaves the step out: `${parameter}`, or `${parameter} != none`.'),
  timeout: planDuration().optional().describe('The step is stopped, and has failed, after this time.'),
  retries: z
    .strictObject({
      times: z.int().min(0).max(mostRetries).describe('Attempts after the first.'),
      delay: planDuration().prefault('1s').describe('Pause before the second attempt; doubled each time.'),
      longestDelay: planDuration().prefault('1m').describe('The longest pause.'),
    })
    .default({ times: 0, delay: 1000, longestDelay: 60_000 })
    .describe('How often a failed step is tried again.'),
  critical: z.boolean().default(true).describe('Whether the plan has failed when this step fails.'),
  always: z.boolean().default(false).describe('Clean-up: runs at the end, whatever happened before.'),
  drill: z.boolean().default(false).describe('Whether a drill does it although it acts outside of the sandbox.'),
  repeatable: z.boolean().optional().describe('Whether it may simply be done again when it was cut short.'),
  owner: z.string().min(1).optional().describe('Who is asked about this step.'),
  runbook: z.string().min(1).optional().describe('What a person does who has to do it without Understudy.'),
};

function stepSchema(kind: StepKind) {
  return z.strictObject({ ...commonShape, kind: z.literal(kind.name), ...kind.shape }).transform((document): Step => {
    const { id, title, needs, when, timeout, retries, critical, always, drill, repeatable, ...rest } = document;
    const { kind: _, owner, runbook, ...options } = rest;
    return {
      id,
      title,
      kind: kind.name,
      needs,
      when,
      timeoutMs: timeout,
      retries: { times: retries.times, delayMs: retries.delay, longestDelayMs: retries.longestDelay },
      critical,
      always,
      drill,
      repeatable: repeatable ?? kind.repeatable(options),
      owner,
      runbook,
      options,
    };
  });
}
