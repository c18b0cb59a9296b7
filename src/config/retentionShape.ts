import { z } from 'zod';
import { calendarSpanPattern } from './quantities.ts';
import { described, durationSchema, text } from './schemaParts.ts';

/** What is kept: of everything, or of one source. Counts come out as numbers, -1 for unlimited; spans as text. */
export function retentionShape(path: 'retention' | 'sources.*.retention') {
  const count = z
    .union([z.int().min(0), z.literal('unlimited')])
    .transform((value) => (value === 'unlimited' ? -1 : value))
    .optional();
  const span = z
    .string()
    .regex(calendarSpanPattern, 'expected a span such as 7d, 3m or 1y6m (y, m = months, d, h)')
    .optional();
  return {
    keepLast: described(`${path}.keepLast`, count),
    keepHourly: described(`${path}.keepHourly`, count),
    keepDaily: described(`${path}.keepDaily`, count),
    keepWeekly: described(`${path}.keepWeekly`, count),
    keepMonthly: described(`${path}.keepMonthly`, count),
    keepYearly: described(`${path}.keepYearly`, count),
    keepWithin: described(`${path}.keepWithin`, span),
    keepWithinHourly: described(`${path}.keepWithinHourly`, span),
    keepWithinDaily: described(`${path}.keepWithinDaily`, span),
    keepWithinWeekly: described(`${path}.keepWithinWeekly`, span),
    keepWithinMonthly: described(`${path}.keepWithinMonthly`, span),
    keepWithinYearly: described(`${path}.keepWithinYearly`, span),
    keepTags: described(`${path}.keepTags`, z.array(text()).optional()),
    recoveryWindow: described(`${path}.recoveryWindow`, durationSchema().optional()),
  };
}
