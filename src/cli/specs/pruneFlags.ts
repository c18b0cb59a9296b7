import { parseUnusedLimit } from '../../repository/unusedLimit.ts';
import { flag, parsed, size } from '../spec.ts';

/** How much a prune does. */
export const pruneFlags = {
  maxUnused: parsed(
    '--max-unused <limit>',
    'Unused space that may stay: `5%` (default), `10G` or `unlimited`.',
    (text) => parseUnusedLimit(text),
  ),
  maxRepackSize: size('--max-repack-size <size>', 'Write at most so much anew; the rest is left to the next prune.'),
  repackSmall: flag('--repack-small', 'Join all packs that are smaller than they should be.'),
};
