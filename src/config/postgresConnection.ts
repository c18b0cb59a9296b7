import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { OperationError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { fillSecret, type Environment } from './interpolate.ts';
import { nameHint } from './nearestName.ts';
import { readPasswordFile } from './password.ts';
import { passwordFromPgpass } from './passwordFiles.ts';
import { isPort, parsePostgresUri, type UriParts } from './postgresUri.ts';
import { tlsModes } from './kinds/connection.ts';
import type { ConnectionConfig, TlsMode } from './schema.ts';

/** Everything that is needed to log in to a server; nothing is left to be looked up. */
export interface PostgresLogin {
  /** Host name, address, or absolute directory of the Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** Undefined: the server is expected to ask for none (peer, trust, certificate). */
  readonly password: Secret | undefined;
  readonly tls: PostgresTls;
}

/** Paths are as given; files are read by whoever connects. */
export interface PostgresTls {
  readonly mode: TlsMode;
  readonly rootCertificate: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

export interface PostgresLoginInputs {
  /** Name of the source, for messages. */
  readonly source: string;
  readonly connection: ConnectionConfig;
  readonly environment: Environment;
}

/**
 * Where and how to log in: the configuration, then libpq's PG* variables, then libpq's defaults; the password last
 * from `.pgpass`. Errors: `config-invalid`, and those of reading a password file.
 */
export async function postgresLogin(inputs: PostgresLoginInputs): Promise<PostgresLogin> {
  const { connection, environment } = inputs;
  const uri = uriParts(inputs);
  const host = uri.host ?? connection.host ?? set(environment['PGHOST']) ?? defaultHost();
  const port = uri.port ?? connection.port ?? environmentPort(environment) ?? 5432;
  const user = uri.user ?? connection.user ?? set(environment['PGUSER']) ?? userInfo().username;
  const database = uri.database ?? connection.database ?? set(environment['PGDATABASE']) ?? user;
  const password = (await givenPassword(inputs, uri)) ?? pgpassPassword({ host, port, user, database }, environment);
  return { host, port, user, database, password, tls: tlsSettings(inputs, uri) };
}

function uriParts({ source, connection, environment }: PostgresLoginInputs): UriParts {
  if (connection.uri === undefined) return {};
  const option = `sources.${source}.connection.uri`;
  return parsePostgresUri(fillSecret(connection.uri, option, environment), option);
}

async function givenPassword(inputs: PostgresLoginInputs, uri: UriParts): Promise<Secret | undefined> {
  const { source, connection, environment } = inputs;
  if (connection.password !== undefined) {
    return fillSecret(connection.password, `sources.${source}.connection.password`, environment);
  }
  if (connection.passwordFile !== undefined) return readPasswordFile(connection.passwordFile);
  if (uri.password !== undefined) return uri.password;
  const variable = set(environment['PGPASSWORD']);
  return variable === undefined ? undefined : new Secret(variable);
}

function pgpassPassword(login: Omit<PostgresLogin, 'password' | 'tls'>, environment: Environment): Secret | undefined {
  const file = set(environment['PGPASSFILE']) ?? join(set(environment['HOME']) ?? homedir(), '.pgpass');
  const host = login.host === defaultHost() ? 'localhost' : login.host;
  return passwordFromPgpass(file, { ...login, host });
}

function tlsSettings({ source, connection, environment }: PostgresLoginInputs, uri: UriParts): PostgresTls {
  const { tls } = connection;
  return {
    mode: tlsMode(uri.tlsMode ?? tls.mode ?? set(environment['PGSSLMODE']) ?? 'prefer', source),
    rootCertificate: uri.rootCertificate ?? tls.rootCertificate ?? set(environment['PGSSLROOTCERT']),
    certificate: uri.certificate ?? tls.certificate ?? set(environment['PGSSLCERT']),
    key: uri.key ?? tls.key ?? set(environment['PGSSLKEY']),
  };
}

function tlsMode(text: string, source: string): TlsMode {
  const mode = tlsModes.find((known) => known === text);
  if (mode !== undefined) return mode;
  throw new OperationError('config-invalid', `source ${source}: there is no TLS mode "${text}"`, {
    hint: nameHint(text, tlsModes),
  });
}

function environmentPort(environment: Environment): number | undefined {
  const text = set(environment['PGPORT']);
  if (text === undefined) return undefined;
  if (isPort(text)) return Number(text);
  throw new OperationError('config-invalid', `PGPORT: "${text}" is not a port`, { hint: 'a port is 1 to 65535' });
}

/** The socket directory of Debian's packages where it exists, else that of PostgreSQL's own default. */
function defaultHost(): string {
  return existsSync('/var/run/postgresql') ? '/var/run/postgresql' : '/tmp';
}

/** An empty variable counts as not set, as in libpq. */
function set(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
