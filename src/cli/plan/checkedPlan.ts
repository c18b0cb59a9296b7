import { z } from 'zod';
import { OperationError, isOperationError } from '../../base/errors.ts';
import { problemsOf, type Problem } from '../../config/problem.ts';
import { parseYaml } from '../../config/yamlFile.ts';
import type { PlanFile } from '../../recovery/builtinPlans.ts';
import { planSchema, type Plan } from '../../recovery/planDocument.ts';
import { readPlan } from '../../recovery/readPlan.ts';
import { stepKinds } from '../../recovery/stepKinds.ts';

/** A plan in which nothing is wrong, with stand-ins for the parameters that have no default. */
export interface CheckedPlan {
  readonly plan: Plan;
  /** As it was parsed. */
  readonly document: unknown;
}

/** Something that is wrong in a plan's file. */
export interface PlacedProblem {
  readonly line: number;
  readonly message: string;
  readonly hint: string | undefined;
}

/** Reads and checks a plan. All that is wrong is in `problems`, in the order of the file. */
export function checkPlanFile({ path, text }: PlanFile): { checked?: CheckedPlan; problems: PlacedProblem[] } {
  try {
    const file = parseYaml(text, path);
    const { plan, issues, problems } = readPlan(file.value, { kinds: stepKinds, values: new Map() });
    const all: Problem[] = [...issues.flatMap((issue) => problemsOf(issue, knownKeys)), ...problems];
    const placed = all
      .map((problem) => ({
        line: file.lineOf(problem.path, problem.key),
        message: problem.message,
        hint: problem.hint,
      }))
      .sort((one, other) => one.line - other.line);
    if (plan === undefined || placed.length > 0) return { problems: placed };
    return { checked: { plan, document: file.value }, problems: [] };
  } catch (error) {
    if (!isOperationError(error, 'config-invalid')) throw error;
    const line = Number(/:(\d+):/.exec(error.message)?.[1] ?? 1);
    return { problems: [{ line, message: error.message.replace(/^.*?:\d+: /, ''), hint: error.hint }] };
  }
}

/** The plan, ready to be carried out. Throws `plan-invalid` with the first problem and its line. */
export function requirePlan(file: PlanFile): CheckedPlan {
  const { checked, problems } = checkPlanFile(file);
  if (checked !== undefined) return checked;
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  throw new OperationError('plan-invalid', `${file.path}:${first?.line}: ${first?.message}${more}`, {
    hint: first?.hint ?? `\`understudy plan check ${file.path}\` lists everything that is wrong`,
    detail: { problems },
  });
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly additionalProperties?: JsonSchema | boolean;
}

/** Keys that may stand in the mapping at a path, of steps of any kind, out of the schema itself. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  let nodes = [z.toJSONSchema(planSchema(stepKinds), { io: 'input', unrepresentable: 'any' }) as JsonSchema];
  for (const key of path) {
    nodes = nodes.flatMap((node) => {
      const child = typeof key === 'number' ? node.items : node.properties?.[String(key)];
      const free = typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
      const found = child ?? free;
      return found === undefined ? [] : [found, ...(found.oneOf ?? []), ...(found.anyOf ?? [])];
    });
  }
  return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))];
}
