import { z } from 'zod';
import { described, text } from '../schemaParts.ts';
import { directoryVerifyShape } from '../verifyShape.ts';
import { commonShape } from './everySource.ts';

/** Application files, configuration, secrets. */
export function filesShape() {
  return z.strictObject({
    kind: described('sources.*.kind', z.literal('files')),
    ...commonShape(),
    verify: directoryVerifyShape(),
    paths: described('sources.*.paths', z.array(text()).min(1)),
    optionalPaths: described('sources.*.optionalPaths', z.array(text()).default([])),
    exclude: described('sources.*.exclude', z.array(text()).default([])),
    excludeFiles: described(
      'sources.*.excludeFiles',
      z.array(z.string().regex(/^[^/]+$/, 'expected the name of a file, without directories')).default([]),
    ),
    excludeCaches: described('sources.*.excludeCaches', z.boolean().default(true)),
    oneFileSystem: described('sources.*.oneFileSystem', z.boolean().default(false)),
    secrets: described('sources.*.secrets', z.array(text()).default([])),
  });
}
