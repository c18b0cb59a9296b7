import type { Deviation } from './evidenceSchema.ts';

const dueDays = { major: 14, minor: 30 } as const;
const dayMs = 86_400_000;

/** The day by which a finding is to be seen to, when nobody says another. */
export function dueDate(fromMs: number, severity: Deviation['severity']): string {
  return new Date(fromMs + dueDays[severity] * dayMs).toISOString().slice(0, 10);
}
