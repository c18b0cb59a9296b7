import { parseUnusedLimit } from '../../repository/unusedLimit.ts';
import { duration, flag, parsed, size } from '../spec.ts';

/** How much a prune does. */
export const pruneFlags = {
  maxUnused: parsed(
    '--max-unused <limit>',
    'Unused space that may stay: `5%` (default), `10G` or `unlimited`.',
    (text) => parseUnusedLimit(text),
  ),
  maxRepackSize: size('--max-repack-size <size>', 'Write at most so much anew; the rest is left to the next prune.'),
  recoveryWindow: duration(
    '--recovery-window <span>',
    'Keep the WAL for every moment of this span before now, e.g. `14d`; default that of understudy.yaml, or all.',
  ),
  repackSmall: flag('--repack-small', 'Join all packs that are smaller than they should be.'),
};
