import { z } from 'zod';
import { described, section, text } from '../schemaParts.ts';
import { databaseVerifyShape } from '../verifyShape.ts';
import { connectionShape } from './connection.ts';
import { commonShape } from './everySource.ts';

/** A PostgreSQL cluster: physical backups and WAL. */
export function postgresShape() {
  return z.strictObject({
    kind: described('sources.*.kind', z.literal('postgres')),
    ...commonShape(),
    verify: databaseVerifyShape(),
    connection: section('sources.*.connection', connectionShape()),
    dataDirectory: described('sources.*.dataDirectory', text().optional()),
    method: described('sources.*.method', z.enum(['auto', 'files', 'stream']).default('auto')),
    wal: section('sources.*.wal', {
      receive: section('sources.*.wal.receive', {
        slot: described(
          'sources.*.wal.receive.slot',
          z
            .string()
            .regex(/^[a-z0-9_]{1,63}$/, 'expected a slot name of a-z, 0-9 and _')
            .default('understudy'),
        ),
      }),
      spoolDirectory: described('sources.*.wal.spoolDirectory', text().optional()),
    }),
  });
}
