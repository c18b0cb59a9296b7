import { formatDuration } from '../../base/duration.ts';
import type { CommandRun } from '../command.ts';
import { checkPlanFile } from '../plan/checkedPlan.ts';
import { allPlans } from '../plan/planFile.ts';
import type { planListSpec } from '../specs/plan.ts';
import { formatTable } from '../table.ts';

interface Row {
  readonly name: string;
  readonly steps: string;
  readonly rto: string;
  readonly description: string;
}

export const run: CommandRun<typeof planListSpec> = async (_ctx, invocation) => {
  const { printer, terminal } = invocation;
  const rows: Row[] = (await allPlans(invocation)).map((file) => {
    const { checked, problems } = checkPlanFile(file);
    const plan = checked?.plan;
    const fields = { name: file.name, path: file.path, problems: problems.length, ...plan };
    if (printer.json) printer.result('plan', fields, () => '');
    return {
      name: file.name,
      steps: plan === undefined ? '' : String(plan.steps.length),
      rto: plan?.objective.rtoMs === undefined ? '' : formatDuration(plan.objective.rtoMs),
      description: plan?.description.split(/[.:;]/)[0] ?? `cannot be used: ${problems[0]?.message}`,
    };
  });
  if (printer.json) return;
  const columns = [
    { title: 'PLAN', value: ({ name }: Row) => name },
    { title: 'STEPS', align: 'right', value: ({ steps }: Row) => steps },
    { title: 'WITHIN', align: 'right', value: ({ rto }: Row) => rto },
    { title: 'WHAT IT DOES', value: ({ description }: Row) => description },
  ] as const;
  printer.result('plans', {}, () => formatTable(terminal, columns, rows));
};
