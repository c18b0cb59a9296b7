import { z } from 'zod';
import { described, durationSchema, section, text } from './schemaParts.ts';

/** How backups of databases are proved: they can be asked, and commands can be run against them. */
export function databaseVerifyShape() {
  const assertion = z.strictObject({
    ...commonAssertion(),
    sql: described('sources.*.verify.assertions.sql', z.string().min(1).optional()),
    command: described('sources.*.verify.assertions.command', z.string().min(1).optional()),
    database: described('sources.*.verify.assertions.database', text().optional()),
    role: described('sources.*.verify.assertions.role', text().optional()),
  });
  return section('sources.*.verify', {
    assertions: described('sources.*.verify.assertions', z.array(assertion).default([])),
  });
}

/** How backups of what is restored to a directory are proved. */
export function directoryVerifyShape() {
  const assertion = z.strictObject({
    ...commonAssertion(),
    command: described('sources.*.verify.assertions.command', z.string().min(1)),
  });
  return section('sources.*.verify', {
    assertions: described('sources.*.verify.assertions', z.array(assertion).default([])),
  });
}

function commonAssertion() {
  return {
    name: described('sources.*.verify.assertions.name', text()),
    directory: described('sources.*.verify.assertions.directory', text().optional()),
    timeout: described('sources.*.verify.assertions.timeout', durationSchema().optional()),
  };
}
