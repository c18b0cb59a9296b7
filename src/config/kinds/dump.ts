import { z } from 'zod';
import { described, section, sizeSchema, text } from '../schemaParts.ts';
import { databaseVerifyShape } from '../verifyShape.ts';
import { connectionShape } from './connection.ts';
import { commonShape } from './everySource.ts';

/** How many pg_dump run at once unless told. */
const defaultJobs = 4;

/** Logical backups of the databases of a server. */
export function dumpShape() {
  return z.strictObject({
    kind: described('sources.*.kind', z.literal('dump')),
    ...commonShape(),
    verify: databaseVerifyShape(),
    connection: section('sources.*.connection', connectionShape()),
    databases: described('sources.*.databases', z.array(text()).default([])),
    schemas: described('sources.*.schemas', z.array(text()).default([])),
    excludeSchemas: described('sources.*.excludeSchemas', z.array(text()).default([])),
    tables: described('sources.*.tables', z.array(text()).default([])),
    excludeTables: described('sources.*.excludeTables', z.array(text()).default([])),
    excludeTableData: described('sources.*.excludeTableData', z.array(text()).default([])),
    layout: described('sources.*.layout', z.enum(['parts', 'single']).default('parts')),
    globals: described(
      'sources.*.globals',
      z.enum(['with-passwords', 'without-passwords', 'none']).default('with-passwords'),
    ),
    jobs: described('sources.*.jobs', z.int().min(1).max(64).default(defaultJobs)),
    contentHashLimit: described('sources.*.contentHashLimit', sizeSchema().optional()),
  });
}
