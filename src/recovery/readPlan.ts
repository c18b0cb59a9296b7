import { z } from 'zod';
import { checkPlan } from './checkPlan.ts';
import { findClearSecrets } from './clearSecrets.ts';
import { substitute, type ParameterValue } from './parameters.ts';
import type { PlanProblem } from './planProblem.ts';
import { planSchema, type ParameterSpec, type Plan } from './planDocument.ts';
import type { StepKind } from './stepKind.ts';

/** What a document is as a plan. */
export interface PlanReading {
  /** Absent when its shape is wrong. */
  readonly plan: Plan | undefined;
  /** The document with all values but the secret ones in their places: what a run's journal keeps. */
  readonly document: unknown;
  /** What is wrong with its shape, in zod's words. */
  readonly issues: readonly z.core.$ZodIssue[];
  /** What else is wrong. */
  readonly problems: readonly PlanProblem[];
}

export interface ReadPlanOptions {
  readonly kinds: readonly StepKind[];
  /** Values that replace `${name}`; a parameter that is not among them takes its default, or its example. */
  readonly values: ReadonlyMap<string, ParameterValue>;
}

/** Reads a parsed document as a plan and finds everything that is wrong with it. Changes and asks nothing else. */
export function readPlan(raw: unknown, { kinds, values }: ReadPlanOptions): PlanReading {
  const parameters = declaredParameters(raw);
  const known = new Map([...sampleValues(parameters), ...values]);
  const document = isMapping(raw) ? { ...raw, steps: substitute(raw['steps'], known) } : raw;
  const parsed = planSchema(kinds).safeParse(document, { reportInput: true });
  const problems: PlanProblem[] = findClearSecrets(document);
  if (!parsed.success) return { plan: undefined, document, issues: parsed.error.issues, problems };
  problems.push(...checkPlan(parsed.data, { raw, kinds }));
  return { plan: parsed.data, document, issues: [], problems };
}

/** The parameters that a document declares, as far as it can be read. */
export function declaredParameters(raw: unknown): Readonly<Record<string, ParameterSpec>> {
  const section = isMapping(raw) ? raw['parameters'] : undefined;
  if (!isMapping(section)) return {};
  const spec = z.looseObject({
    default: z.union([z.string(), z.number(), z.boolean()]).optional(),
    example: z.union([z.string(), z.number(), z.boolean()]).optional(),
    description: z.string().default(''),
    secret: z.boolean().default(false),
    environment: z.string().optional(),
  });
  return Object.fromEntries(
    Object.entries(section).flatMap(([name, value]) => {
      const read = spec.safeParse(value);
      return read.success ? [[name, read.data]] : [];
    }),
  );
}

/** Stand-ins by which a plan can be checked, and printed, before anybody has chosen values. */
function sampleValues(parameters: Readonly<Record<string, ParameterSpec>>): Map<string, ParameterValue> {
  const samples = new Map<string, ParameterValue>([
    ['run.id', '<run>'],
    ['run.directory', '<run directory>'],
    ['run.drill', false],
  ]);
  for (const [name, spec] of Object.entries(parameters)) {
    if (!spec.secret) samples.set(name, spec.default ?? spec.example ?? `<${name}>`);
  }
  return samples;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
