import { userInfo } from 'node:os';
import { OperationError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';

/** libpq's sslmode. `prefer` goes on without TLS where there is none; only the `verify-` modes resist an attacker. */
export const tlsModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type TlsMode = (typeof tlsModes)[number];

export interface TlsOptions {
  readonly mode: TlsMode;
  /** Path of a PEM file with the trusted roots; without it the `verify-` modes trust the roots that Node.js ships. */
  readonly ca?: string;
  /** Path of the client's PEM certificate, and of its private key. */
  readonly cert?: string;
  readonly key?: string;
}

/** Where a server is and as whom to log in. Every value is explicit: no PG* variable and no ~/.pgpass is consulted. */
export interface ConnectionOptions {
  /** A host name, an address, or the absolute path of the directory of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: Secret;
  /**
   * Database of SQL connections; default: named like the user.
   * A replication connection that pg_hba.conf refuses is tried again with this database when it is given.
   */
  readonly database?: string;
  /** Default `prefer`; ignored on a Unix socket, as in libpq. */
  readonly tls?: TlsOptions;
  /** Shown in pg_stat_activity and matched by synchronous_standby_names; default `understudy`. */
  readonly applicationName?: string;
  /** Time for one attempt from name resolution to the end of the login; default 10 seconds. */
  readonly connectTimeoutMs?: number;
}

/** `host:5432 as user "backup"`, for messages. */
export function describeServer(options: ConnectionOptions): string {
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return `${host}:${options.port} as user "${options.user}"`;
}

const uriPattern = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const hostPattern = /^(\[[^\]]+\]|[^:,[\]]*)(?::(\d+))?$/;
const parameterNames = [
  'host',
  'port',
  'user',
  'password',
  'dbname',
  'application_name',
  'connect_timeout',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
];

/**
 * Reads libpq's URI form, `postgresql://user:password@host:port/database?sslmode=...`; one host only.
 * Defaults: Debian's socket directory, port 5432, the operating system's user.
 * Throws `config-invalid`; the message never repeats the URI, which may hold a password.
 */
export function parseConnectionUri(uri: string): ConnectionOptions {
  const [, userInfoPart, hostPart = '', databasePart, queryPart] = uriPattern.exec(uri) ?? fail('its form is wrong');
  const [, hostText = '', portText] = hostPattern.exec(hostPart) ?? fail('it must name one host, or none');
  const [userPart, ...passwordParts] = (userInfoPart ?? '').split(':');
  const values = new Map<string, string>();
  const set = (name: string, encoded: string | undefined): void => {
    if (encoded !== undefined && encoded !== '') values.set(name, decode(encoded, name));
  };
  set('user', userPart);
  set('password', passwordParts.length === 0 ? undefined : passwordParts.join(':'));
  set('host', hostText.replace(/^\[(.*)\]$/, '$1'));
  set('port', portText);
  set('dbname', databasePart);
  for (const pair of (queryPart ?? '').split('&').filter((text) => text !== '')) {
    const [name = '', ...rest] = pair.split('=');
    if (!parameterNames.includes(name)) fail(`it has a parameter that is not known here`);
    set(name, rest.join('='));
  }
  return fromValues(values);
}

function fromValues(values: ReadonlyMap<string, string>): ConnectionOptions {
  const password = values.get('password');
  const database = values.get('dbname');
  const applicationName = values.get('application_name');
  const connectTimeoutSeconds = wholeNumber(values.get('connect_timeout'), 'connect_timeout') ?? 0;
  const tls = tlsFromValues(values);
  return {
    host: values.get('host') ?? '/var/run/postgresql',
    port: wholeNumber(values.get('port'), 'port') ?? 5432,
    user: values.get('user') ?? userInfo().username,
    ...(password === undefined ? {} : { password: new Secret(password) }),
    ...(database === undefined ? {} : { database }),
    ...(applicationName === undefined ? {} : { applicationName }),
    ...(connectTimeoutSeconds === 0 ? {} : { connectTimeoutMs: connectTimeoutSeconds * 1000 }),
    ...(tls === undefined ? {} : { tls }),
  };
}

function tlsFromValues(values: ReadonlyMap<string, string>): TlsOptions | undefined {
  const [mode, ca, cert, key] = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'].map((name) => values.get(name));
  if (mode === undefined && ca === undefined && cert === undefined && key === undefined) return undefined;
  const known = tlsModes.find((one) => one === (mode ?? 'prefer')) ?? fail(`sslmode is one of ${tlsModes.join(', ')}`);
  return {
    mode: known,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function wholeNumber(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  return /^\d{1,6}$/.test(text) ? Number(text) : fail(`${name} is not a number`);
}

function decode(encoded: string, name: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return fail(`the percent encoding of its ${name} is wrong`);
  }
}

function fail(reason: string): never {
  throw new OperationError('config-invalid', `the PostgreSQL connection URI cannot be used: ${reason}`, {
    hint:
      'write it as postgresql://user@host:5432/database?sslmode=verify-full; encode special characters as %XX; ' +
      `parameters: ${parameterNames.join(', ')}`,
  });
}
