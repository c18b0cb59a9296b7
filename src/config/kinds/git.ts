import { z } from 'zod';
import { described, name, secret, text } from '../schemaParts.ts';
import { directoryVerifyShape } from '../verifyShape.ts';
import { commonShape } from './everySource.ts';

/** A git repository, and other copies of it to compare it with. */
export function gitShape() {
  return z.strictObject({
    kind: described('sources.*.kind', z.literal('git')),
    ...commonShape(),
    verify: directoryVerifyShape(),
    path: described('sources.*.path', text().optional()),
    remotes: described('sources.*.remotes', z.record(name(), described('sources.*.remotes.*', secret())).default({})),
    mirrorDirectory: described('sources.*.mirrorDirectory', text().optional()),
  });
}
