import { OperationError, assert } from '../base/errors.ts';
import type { LoadedConfig } from '../config/loadConfig.ts';
import { postgresLogin, type PostgresLogin } from '../config/postgresConnection.ts';
import { isPort } from '../config/postgresUri.ts';
import type { ConnectionConfig, PostgresConfig } from '../config/schema.ts';
import type { ConnectionOptions, TlsOptions } from '../postgres/connectionOptions.ts';
import { chooseSources } from './chooseSources.ts';
import type { connectionFlags } from './specs/connectionFlags.ts';
import type { OptionValues } from './spec.ts';

/** A source behind a PostgreSQL server, ready to be worked on. */
interface ConnectedSource<Config> {
  readonly name: string;
  readonly config: Config;
  readonly connection: ConnectionOptions;
}

/** A source of kind postgres. */
export type PostgresSource = ConnectedSource<PostgresConfig>;

export type ConnectionFlags = OptionValues<typeof connectionFlags>;

/**
 * The clusters that a command is about (`chooseSources`), with the login to each. Flags replace what is configured and
 * need exactly one source. Throws `not-found` for an unknown name, `usage`, and what finding the login throws.
 */
export async function selectSources(
  loaded: LoadedConfig,
  names: readonly string[],
  flags: ConnectionFlags,
): Promise<PostgresSource[]> {
  const chosen = chooseSources(loaded, { names, flagged: anyFlag(flags), kind: 'postgres' });
  return Promise.all(
    chosen.map(({ name, config }) => {
      assert(config.kind === 'postgres', 'only clusters were chosen');
      return prepareSource(name, config, flags);
    }),
  );
}

/** Whether any flag was given. */
export function anyFlag(flags: ConnectionFlags): boolean {
  return Object.values(flags).some((value) => value !== undefined);
}

/** A source with the login to its server. Throws what finding the login throws, and `usage`. */
export async function prepareSource<Config extends { readonly connection: ConnectionConfig }>(
  name: string,
  config: Config,
  flags: ConnectionFlags,
): Promise<ConnectedSource<Config>> {
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
function overridden(connection: ConnectionConfig, flags: ConnectionFlags): ConnectionConfig {
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
