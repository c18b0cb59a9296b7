import { described, durationSchema, sizeSchema } from './schemaParts.ts';

/** What `understudy monitor` expects of a source. */
export function monitorShape() {
  return {
    maxAge: described('sources.*.monitor.maxAge', durationSchema().prefault('26h')),
    minSize: described('sources.*.monitor.minSize', sizeSchema().optional()),
    verifyEvery: described('sources.*.monitor.verifyEvery', durationSchema().prefault('31d')),
  };
}
