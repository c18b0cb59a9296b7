import { z } from 'zod';
import { described, durationSchema, text } from '../schemaParts.ts';
import { directoryVerifyShape } from '../verifyShape.ts';
import { commonShape } from './everySource.ts';

/** Log files of one directory: rotated and stored. */
export function logsShape() {
  return z.strictObject({
    kind: described('sources.*.kind', z.literal('logs')),
    ...commonShape(),
    verify: directoryVerifyShape(),
    directory: described('sources.*.directory', text()),
    files: described(
      'sources.*.files',
      z
        .array(z.string().regex(/^[^/]+$/, 'expected a name or pattern without directories'))
        .min(1)
        .default(['*.log']),
    ),
    method: described('sources.*.method', z.enum(['rename', 'copy-truncate']).default('rename')),
    afterRotate: described('sources.*.afterRotate', z.string().min(1).optional()),
    keepLocal: described('sources.*.keepLocal', durationSchema().prefault('7d')),
    keep: described('sources.*.keep', durationSchema().prefault('90d')),
  });
}
