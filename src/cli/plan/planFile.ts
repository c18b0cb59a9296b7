import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { OperationError, errorMessage } from '../../base/errors.ts';
import { nameHint } from '../../config/nearestName.ts';
import { builtinPlans, type PlanFile } from '../../recovery/builtinPlans.ts';
import type { Invocation } from '../command.ts';

const suffix = /\.ya?ml$/;

/** All plans by name: those beside the configuration come before those of the same name that come with the program. */
export async function allPlans({ loadConfig }: Pick<Invocation, 'loadConfig'>): Promise<PlanFile[]> {
  const { path } = await loadConfig();
  const own = path === undefined ? [] : plansIn(join(dirname(path), 'plans'));
  return [...own, ...builtinPlans().filter(({ name }) => own.every((plan) => plan.name !== name))];
}

/** The plan with this name, or in this file. Throws `not-found`, `file-missing`. */
export async function findPlan(invocation: Pick<Invocation, 'loadConfig'>, text: string): Promise<PlanFile> {
  if (text.includes('/') || suffix.test(text)) return readPlanFile(resolve(text));
  const plans = await allPlans(invocation);
  const found = plans.find(({ name }) => name === text);
  if (found !== undefined) return found;
  const names = plans.map(({ name }) => name);
  throw new OperationError('not-found', `there is no plan "${text}"`, { hint: nameHint(text, names) });
}

function plansIn(directory: string): PlanFile[] {
  if (!existsSync(directory)) return [];
  const files = readdirSync(directory).filter((file) => suffix.test(file));
  return files.sort().map((file) => readPlanFile(join(directory, file)));
}

function readPlanFile(path: string): PlanFile {
  try {
    const name = path.slice(path.lastIndexOf('/') + 1).replace(suffix, '');
    return { name, path, text: readFileSync(path, 'utf8') };
  } catch (cause) {
    throw new OperationError('file-missing', `cannot read the plan ${path}: ${errorMessage(cause)}`, { cause });
  }
}
