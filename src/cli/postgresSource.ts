import { OperationError } from '../base/errors.ts';
import type { LoadedConfig } from '../config/loadConfig.ts';
import { nameHint } from '../config/nearestName.ts';
import { postgresLogin, type PostgresLogin } from '../config/postgresConnection.ts';
import { isPort } from '../config/postgresUri.ts';
import { configSchema, type SourceConfig } from '../config/schema.ts';
import type { ConnectionOptions, TlsOptions } from '../postgres/connectionOptions.ts';
import type { connectionFlags } from './specs/connectionFlags.ts';
import type { OptionValues } from './spec.ts';

/** A source of kind postgres, ready to be worked on. */
export interface PostgresSource {
  readonly name: string;
  readonly config: SourceConfig;
  readonly connection: ConnectionOptions;
}

export type ConnectionFlags = OptionValues<typeof connectionFlags>;

/** Name of the source when nobody gave one. */
const defaultSourceName = 'main';
/** A source's name is a directory in its snapshots and a part of a tag. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * The sources that a command is about: the named ones, else all that are configured. Where none is configured, one of
 * the given name (default `main`) that is reached by flags and libpq's environment. Flags replace what is configured
 * and need exactly one source. Throws `not-found` for an unknown name, `usage`, and what finding the login throws.
 */
export async function selectSources(
  { config: { sources } }: LoadedConfig,
  names: readonly string[],
  flags: ConnectionFlags,
): Promise<PostgresSource[]> {
  const configured = Object.keys(sources);
  const flagged = Object.values(flags).some((value) => value !== undefined);
  const chosen = names.length > 0 ? [...new Set(names)] : configured.length > 0 ? configured : [defaultSourceName];
  if (flagged && chosen.length > 1) {
    throw new OperationError('usage', `connection flags are for one source, and ${chosen.length} are meant`, {
      hint: `name the one: ${chosen.join(', ')}`,
    });
  }
  return Promise.all(
    chosen.map((name) => {
      const source = sources[name] ?? (flagged || configured.length === 0 ? adHocSource(name) : undefined);
      if (source !== undefined) return prepareSource(name, source, flags);
      throw new OperationError('not-found', `there is no source "${name}"`, { hint: nameHint(name, configured) });
    }),
  );
}

function adHocSource(name: string): SourceConfig {
  if (!namePattern.test(name)) {
    throw new OperationError('usage', `"${name}" cannot be the name of a source`, {
      hint: 'a name has letters, digits, ".", "_" and "-"',
    });
  }
  return configSchema.parse({ sources: { [name]: { kind: 'postgres' } } }).sources[name]!;
}

async function prepareSource(name: string, config: SourceConfig, flags: ConnectionFlags): Promise<PostgresSource> {
  if (flags.port !== undefined && !isPort(String(flags.port))) {
    throw new OperationError('usage', `--port: ${flags.port} is not a port`, { hint: 'a port is 1 to 65535' });
  }
  const login = await postgresLogin({
    source: name,
    connection: overridden(config.connection, flags),
    environment: process.env,
  });
  return { name, config, connection: connectionOptions(login, flags) };
}

/** A URI excludes single values: there the flags are put in place of what it says afterwards. */
function overridden(connection: SourceConfig['connection'], flags: ConnectionFlags): SourceConfig['connection'] {
  if (connection.uri !== undefined) return connection;
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  return { ...connection, ...given };
}

function connectionOptions(login: PostgresLogin, flags: ConnectionFlags): ConnectionOptions {
  const { password } = login;
  return {
    host: flags.host ?? login.host,
    port: flags.port ?? login.port,
    user: flags.user ?? login.user,
    database: flags.database ?? login.database,
    ...(password === undefined ? {} : { password }),
    tls: tlsOptions(login.tls),
  };
}

function tlsOptions({ mode, rootCertificate, certificate, key }: PostgresLogin['tls']): TlsOptions {
  return {
    // libpq's `allow` tries without TLS first; we take it when it is there
    mode: mode === 'allow' ? 'prefer' : mode,
    ...(rootCertificate === undefined ? {} : { ca: rootCertificate }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
  };
}
