import type { ForgetGroup } from '../../snapshot/forgetPlan.ts';
import { formatCalendarDuration } from '../../snapshot/calendarDuration.ts';
import type { RuleSlots } from '../../snapshot/retentionSlots.ts';
import { formatTable, type Column } from '../table.ts';
import type { Terminal } from '../terminal.ts';

interface SlotRow {
  readonly slot: string;
  readonly period: string;
  readonly filledBy: string;
}

const columns: readonly Column<SlotRow>[] = [
  { title: 'Slot', value: ({ slot }) => slot },
  { title: 'Period', value: ({ period }) => period },
  { title: 'Filled by', value: ({ filledBy }) => filledBy },
];

/** Which snapshot fills each slot of each rule, and which periods have none. Empty when no rule has slots. */
export function slotTable(terminal: Terminal, { rules }: ForgetGroup): string {
  const rows = rules.flatMap(slotRows);
  return rows.length === 0 ? '' : formatTable(terminal, columns, rows);
}

/** The same of one rule for --json. */
export function slotFields({ rule, wanted, slots, open }: RuleSlots): Record<string, unknown> {
  return {
    rule,
    wanted: wantedText(wanted),
    slots: slots.map(({ period, snapshotId, oldest }) => ({ period, snapshot_id: snapshotId ?? null, oldest })),
    ...(open === undefined ? {} : { open }),
  };
}

function slotRows({ rule, wanted, slots, open }: RuleSlots): SlotRow[] {
  let number = 0;
  const rows = slots.map(({ period, snapshotId, oldest }): SlotRow => {
    if (snapshotId === undefined) return { slot: rule, period, filledBy: 'MISSING' };
    return { slot: `${rule} ${++number}`, period, filledBy: `${snapshotId.slice(0, 8)}${oldest ? ' (oldest)' : ''}` };
  });
  if (open === undefined || open === 0) return rows;
  const [from, to] = [number + 1, number + open];
  const still = from === to ? `${rule} ${to}` : `${rule} ${from}-${to}`;
  return [...rows, { slot: still, period: '', filledBy: `still open, of ${wantedText(wanted)}` }];
}

function wantedText(wanted: RuleSlots['wanted']): string {
  return typeof wanted === 'object' ? formatCalendarDuration(wanted) : String(wanted);
}
