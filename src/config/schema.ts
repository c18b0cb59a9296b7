import { z } from 'zod';
import type { tlsModes } from './kinds/connection.ts';
import { dumpShape } from './kinds/dump.ts';
import { filesShape } from './kinds/files.ts';
import { gitShape } from './kinds/git.ts';
import { logsShape } from './kinds/logs.ts';
import { postgresShape } from './kinds/postgres.ts';
import { compressionLevels, defaultCompression, defaultPackSizeText } from './repositoryDefaults.ts';
import { retentionShape } from './retentionShape.ts';
import { described, durationSchema, name, packSizeSchema, secret, section, text } from './schemaParts.ts';

export type Config = z.output<typeof configSchema>;
export type SourceConfig = Config['sources'][string];
export type SourceKind = SourceConfig['kind'];
export type PostgresConfig = Extract<SourceConfig, { kind: 'postgres' }>;
export type ConnectionConfig = PostgresConfig['connection'];
export type TlsMode = (typeof tlsModes)[number];

/**
 * The shape of `understudy.yaml`. Durations come out in milliseconds, sizes in bytes, secrets as `Secret` with their
 * `${NAME}` still in them: they are filled when the secret is used, so that a variable that only one source needs is
 * not missed by every command.
 */
export const configSchema = z.strictObject({
  repository: section('repository', repositoryShape()),
  sources: described('sources', z.record(name(), source()).default({})),
  tiers: described('tiers', z.record(name(), tier()).default({})),
  retention: section('retention', retentionShape('retention')),
  verify: section('verify', {
    user: described('verify.user', text().default('postgres')),
    directory: described('verify.directory', text().optional()),
  }),
  evidence: section('evidence', {
    organisation: described('evidence.organisation', text().optional()),
    environment: described('evidence.environment', text().optional()),
    signingKeyFile: described('evidence.signingKeyFile', text().optional()),
  }),
  contacts: described('contacts', z.array(contact()).default([])),
  postgresBinaries: described('postgresBinaries', z.array(text()).default([])),
});

function repositoryShape() {
  return {
    location: described('repository.location', text().optional()),
    password: described('repository.password', secret().optional()),
    passwordFile: described('repository.passwordFile', text().optional()),
    passwordCommand: described('repository.passwordCommand', z.string().min(1).optional()),
    compression: described('repository.compression', z.enum(compressionLevels).default(defaultCompression)),
    packSize: described('repository.packSize', packSizeSchema().prefault(defaultPackSizeText)),
    keyCacheFile: described('repository.keyCacheFile', text().optional()),
  };
}

function contact() {
  return z.strictObject({
    name: described('contacts.name', text()),
    role: described('contacts.role', text()),
    phone: described('contacts.phone', text().optional()),
    email: described('contacts.email', text().optional()),
  });
}

function source() {
  return described(
    'sources.*',
    z.discriminatedUnion('kind', [postgresShape(), dumpShape(), filesShape(), logsShape(), gitShape()]),
  );
}

function tier() {
  return described(
    'tiers.*',
    z.strictObject({
      rpo: described('tiers.*.rpo', durationSchema()),
      rto: described('tiers.*.rto', durationSchema()),
    }),
  );
}
