import type { OptionText } from './options.ts';

/** What a section `retention` may hold: the one at the top of the file and that of a source take the same. */
const retentionTexts = {
  keepLast: { description: 'Keep the newest n snapshots.' },
  keepHourly: { description: 'Keep the newest snapshot of each of the last n hours that have one.' },
  keepDaily: { description: 'Keep the newest snapshot of each of the last n days that have one.' },
  keepWeekly: { description: 'Keep the newest snapshot of each of the last n weeks that have one.' },
  keepMonthly: { description: 'Keep the newest snapshot of each of the last n months that have one.' },
  keepYearly: { description: 'Keep the newest snapshot of each of the last n years that have one.' },
  keepWithin: {
    description: 'Keep all snapshots within this span of the newest, e.g. `2y5m7d3h` (m = months).',
  },
  keepWithinHourly: { description: 'Keep one snapshot an hour within this span of the newest.' },
  keepWithinDaily: { description: 'Keep one snapshot a day within this span of the newest.' },
  keepWithinWeekly: { description: 'Keep one snapshot a week within this span of the newest.' },
  keepWithinMonthly: { description: 'Keep one snapshot a month within this span of the newest.' },
  keepWithinYearly: { description: 'Keep one snapshot a year within this span of the newest.' },
  keepTags: { description: 'Keep snapshots with these tags; `a,b` means both.' },
  recoveryWindow: {
    description:
      'Keep the WAL with which one can recover to every moment of this span before now, e.g. `14d`. Older backups ' +
      'that are kept can be restored as they were when they ended. Without it all WAL since the oldest backup is kept.',
  },
} as const satisfies Readonly<Record<string, OptionText>>;

type RetentionTexts<Path extends string> = {
  readonly [Name in keyof typeof retentionTexts as `${Path}.${Name}`]: OptionText;
};

/** The texts of a section `retention` at this path. */
export function retentionOptionsAt<Path extends string>(path: Path): RetentionTexts<Path> {
  const entries = Object.entries(retentionTexts).map(([name, text]) => [`${path}.${name}`, text]);
  return Object.fromEntries(entries) as RetentionTexts<Path>;
}
