import { OperationError } from '../../base/errors.ts';
import { largestStep, simulateRetention, type RetentionSimulation } from '../../retention/simulateRetention.ts';
import type { RetentionPolicy } from '../../snapshot/retentionPolicy.ts';
import type { CommandRun, Invocation } from '../command.ts';
import { policyOfConfig, policyOfFlags, sourcePoliciesOfConfig } from '../forget/policy.ts';
import { formatDuration, plural } from '../format.ts';
import type { retentionSimulateSpec } from '../specs/retention.ts';
import { formatTable, type Column } from '../table.ts';

type SimulateInvocation = Invocation<typeof retentionSimulateSpec>;

const dayMs = 86_400_000;
const yearDays = 365.25;
/** How far back somebody may want to go, in days. */
const horizonDays = [
  1,
  7,
  30,
  90,
  180,
  yearDays,
  2 * yearDays,
  3 * yearDays,
  5 * yearDays,
  7 * yearDays,
  10 * yearDays,
];

export const run: CommandRun<typeof retentionSimulateSpec> = async (ctx, invocation) => {
  const { options, printer } = invocation;
  const policy = await policyToSimulate(invocation);
  if (options.years < 1 || options.every < 60_000) {
    throw new OperationError('usage', 'a simulation takes a year or more, and backups a minute or more apart');
  }
  const begin = ctx.clock.now();
  const end = new Date(begin);
  end.setUTCFullYear(end.getUTCFullYear() + options.years);
  const forgetEveryMs = Math.max(options.every, dayMs);
  const simulation = simulateRetention({ policy, begin, end, everyMs: options.every, forgetEveryMs });
  printer.result('retention_simulation', fieldsOf(simulation), () => textOf(invocation, simulation));
};

async function policyToSimulate(invocation: SimulateInvocation): Promise<RetentionPolicy> {
  const flags = policyOfFlags(invocation.options);
  if (flags !== undefined) return flags;
  const { config } = await invocation.loadConfig();
  const { source } = invocation.options;
  if (source !== undefined && !(source in config.sources)) {
    throw new OperationError('not-found', `there is no source "${source}" in the configuration`);
  }
  const own = source === undefined ? undefined : sourcePoliciesOfConfig(config).get(source);
  const policy = own ?? policyOfConfig(config);
  if (policy !== undefined) return policy;
  throw new OperationError('usage', 'there is no policy to simulate', {
    hint: 'give rules such as --keep-daily 30, or set them under retention in understudy.yaml',
  });
}

interface Horizon {
  readonly days: number;
  readonly stepMs: number;
}

function horizonsOf({ left }: RetentionSimulation): Horizon[] {
  return horizonDays.flatMap((days) => {
    const stepMs = largestStep(left, days * dayMs);
    return stepMs === undefined ? [] : [{ days, stepMs }];
  });
}

function fieldsOf(simulation: RetentionSimulation): Record<string, unknown> {
  const { backups, most, months, left } = simulation;
  return {
    backups,
    most_snapshots: most,
    months,
    left: left.map(({ time, ageMs, reasons }) => ({ time: time.toISOString(), age_days: ageMs / dayMs, reasons })),
    steps: horizonsOf(simulation).map(({ days, stepMs }) => ({ back_days: days, largest_step_days: stepMs / dayMs })),
  };
}

const horizonColumns: readonly Column<Horizon>[] = [
  {
    title: 'Back to',
    value: ({ days }) => (days < yearDays ? plural(days, 'day') : plural(Math.floor(days / yearDays), 'year')),
  },
  { title: 'Steps of at most', align: 'right', value: ({ stepMs }) => formatDuration(stepMs) },
];

const monthColumns: readonly Column<RetentionSimulation['months'][number]>[] = [
  { title: 'Month', value: ({ month }) => month },
  { title: 'Snapshots', align: 'right', value: ({ snapshots }) => String(snapshots) },
];

function textOf({ terminal }: SimulateInvocation, simulation: RetentionSimulation): string {
  const { backups, most, months, left } = simulation;
  const oldest = left.at(-1);
  const yearly = months.filter((_, index) => (index + 1) % 12 === 0 || index === months.length - 1);
  return [
    `${plural(backups, 'backup')}, ${plural(left.length, 'snapshot')} at the end, never more than ${most}`,
    oldest === undefined ? '' : `the oldest is of ${oldest.time.toISOString().slice(0, 10)}`,
    '',
    formatTable(terminal, monthColumns, yearly),
    '',
    formatTable(terminal, horizonColumns, horizonsOf(simulation)),
  ].join('\n');
}
