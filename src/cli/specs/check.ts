import { flag, text, type CommandSpec } from '../spec.ts';

export const checkSpec = {
  name: 'check',
  summary: 'Check that the repository is whole',
  description:
    'Checks that keys, snapshots, index, packs and trees agree, and that every file has all of its content. With ' +
    '--read-data every byte is read, authenticated and hashed too: only that finds what the storage has silently damaged.',
  options: {
    readData: flag('--read-data', 'Read all data.'),
    readDataSubset: text(
      '--read-data-subset <part>',
      'Read a part: `1/5` to `5/5` in turn, `2.5%` or `10G` at random.',
    ),
  },
  examples: [
    { command: 'check', meaning: 'quick: the structure' },
    { command: 'check --read-data-subset 1/7', meaning: 'a seventh of the data, another one each day of the week' },
    { command: 'check --read-data', meaning: 'everything' },
  ],
} as const satisfies CommandSpec;
