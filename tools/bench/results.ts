import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { CaseResult } from './bench.ts';
import type { Machine } from './machine.ts';
import { caseNames } from './options.ts';

/** results.json. */
export interface Results {
  readonly scale: number;
  readonly machine: Machine;
  readonly tools: Readonly<Record<string, string | undefined>>;
  readonly cases: readonly DatedCaseResult[];
}

export interface DatedCaseResult extends CaseResult {
  /** Day on which it was measured, `2026-11-22`. */
  readonly day: string;
}

/** What was measured before, if on the same machine with the same tools and sizes, with the new figures in place. */
export function addResults(path: string, fresh: Results): Results {
  const earlier = loadResults(path);
  if (earlier === undefined || !sameConditions(earlier, fresh)) return fresh;
  const replaced = (old: CaseResult) =>
    fresh.cases.some((each) => each.case === old.case && each.dataSet === old.dataSet);
  const cases = [...earlier.cases.filter((old) => !replaced(old)), ...fresh.cases];
  return { ...fresh, cases: cases.toSorted((a, b) => caseNames.indexOf(a.case) - caseNames.indexOf(b.case)) };
}

export async function saveResults(path: string, results: Results): Promise<void> {
  await writeFile(path, `${JSON.stringify(results, null, 2)}\n`);
}

function loadResults(path: string): Results | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Results) : undefined;
}

function sameConditions(first: Results, second: Results): boolean {
  const conditions = ({ scale, machine, tools }: Results) => JSON.stringify({ scale, machine, tools });
  return conditions(first) === conditions(second);
}
