import { z } from 'zod';
import { Secret } from '../base/secret.ts';
import { hasVariable } from './interpolate.ts';
import { optionText, type OptionPath } from './options.ts';
import { calendarSpanPattern, durationForm, parseDuration } from './quantities.ts';
import { compressionLevels, defaultCompression, defaultPackSizeText, parsePackSize } from './repositoryDefaults.ts';

export const tlsModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

export type Config = z.output<typeof configSchema>;
export type SourceConfig = Config['sources'][string];
export type ConnectionConfig = SourceConfig['connection'];
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
  retention: section('retention', retentionShape()),
  verify: section('verify', {
    user: described('verify.user', text().default('postgres')),
    directory: described('verify.directory', text().optional()),
  }),
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

function source() {
  const postgres = z.strictObject({
    kind: described('sources.*.kind', z.literal('postgres')),
    tier: described('sources.*.tier', text().optional()),
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
        synchronous: described('sources.*.wal.receive.synchronous', z.boolean().default(false)),
      }),
      spoolDirectory: described('sources.*.wal.spoolDirectory', text().optional()),
    }),
  });
  return described('sources.*', z.discriminatedUnion('kind', [postgres]));
}

function connectionShape() {
  return {
    uri: described('sources.*.connection.uri', secret().optional()),
    host: described('sources.*.connection.host', text().optional()),
    port: described('sources.*.connection.port', z.int().min(1).max(65535).optional()),
    user: described('sources.*.connection.user', text().optional()),
    database: described('sources.*.connection.database', text().optional()),
    password: described('sources.*.connection.password', secret().optional()),
    passwordFile: described('sources.*.connection.passwordFile', text().optional()),
    tls: section('sources.*.connection.tls', {
      mode: described('sources.*.connection.tls.mode', z.enum(tlsModes).optional()),
      rootCertificate: described('sources.*.connection.tls.rootCertificate', text().optional()),
      certificate: described('sources.*.connection.tls.certificate', text().optional()),
      key: described('sources.*.connection.tls.key', text().optional()),
    }),
  };
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

function retentionShape() {
  const count = z
    .union([z.int().min(0), z.literal('unlimited')])
    .transform((value) => (value === 'unlimited' ? -1 : value))
    .optional();
  const span = z
    .string()
    .regex(calendarSpanPattern, 'expected a span such as 7d, 3m or 1y6m (y, m = months, d, h)')
    .optional();
  return {
    keepLast: described('retention.keepLast', count),
    keepHourly: described('retention.keepHourly', count),
    keepDaily: described('retention.keepDaily', count),
    keepWeekly: described('retention.keepWeekly', count),
    keepMonthly: described('retention.keepMonthly', count),
    keepYearly: described('retention.keepYearly', count),
    keepWithin: described('retention.keepWithin', span),
    keepWithinHourly: described('retention.keepWithinHourly', span),
    keepWithinDaily: described('retention.keepWithinDaily', span),
    keepWithinWeekly: described('retention.keepWithinWeekly', span),
    keepWithinMonthly: described('retention.keepWithinMonthly', span),
    keepWithinYearly: described('retention.keepWithinYearly', span),
    keepTags: described('retention.keepTags', z.array(text()).default([])),
  };
}

/** A mapping whose absence means all its defaults. */
function section<Shape extends z.core.$ZodLooseShape>(path: OptionPath, shape: Shape) {
  return described(path, z.strictObject(shape).prefault({} as z.input<z.ZodObject<Shape, z.core.$strict>>));
}

function described<Schema extends z.ZodType>(path: OptionPath, schema: Schema): Schema {
  return schema.describe(optionText(path).description);
}

function name() {
  return z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'expected a name of letters, digits, ".", "_" and "-"');
}

function text() {
  return z
    .string()
    .min(1, 'expected some text')
    .refine((value) => !hasVariable(value), '${NAME} is replaced in passwords and connection URIs only');
}

function secret() {
  return z.string().transform((template) => new Secret(template));
}

function durationSchema() {
  return z.string().transform((value, context) => {
    const milliseconds = parseDuration(value);
    if (milliseconds === undefined) context.addIssue(`expected ${durationForm}, found "${value}"`);
    return milliseconds ?? 0;
  });
}

function packSizeSchema() {
  return z.string().transform((value, context) => {
    const parsed = parsePackSize(value);
    if ('bytes' in parsed) return parsed.bytes;
    context.addIssue(parsed.problem);
    return z.NEVER;
  });
}
