import { OperationError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';

/** What a libpq connection URI says; absent parts come from elsewhere. */
export interface UriParts {
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  readonly database?: string;
  readonly password?: Secret;
  readonly tlsMode?: string;
  readonly rootCertificate?: string;
  readonly certificate?: string;
  readonly key?: string;
}

const parameterNames: Readonly<Record<string, keyof UriParts>> = {
  host: 'host',
  hostaddr: 'host',
  port: 'port',
  user: 'user',
  dbname: 'database',
  password: 'password',
  sslmode: 'tlsMode',
  sslrootcert: 'rootCertificate',
  sslcert: 'certificate',
  sslkey: 'key',
};

/** Parameters that libpq knows and that change nothing here. */
const ignoredParameters = new Set([
  'application_name',
  'connect_timeout',
  'fallback_application_name',
  'channel_binding',
]);

/**
 * Takes apart `postgresql://user:password@host:port/database?sslmode=...` (PostgreSQL manual, "Connection URIs").
 * `option` names the setting in the error `config-invalid`; the URI itself is never shown, it may hold a password.
 */
export function parsePostgresUri(uri: Secret, option: string): UriParts {
  const match = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(uri.reveal());
  if (match === null) {
    throw wrong(option, 'it is not a PostgreSQL URI', 'write postgresql://user@host:5432/database');
  }
  const [, login = '', hostAndPort = '', database = '', query = ''] = match;
  if (hostAndPort.includes(',')) {
    throw wrong(option, 'it names several hosts', 'a source is one cluster: name the server to back up');
  }
  const colon = login.indexOf(':');
  const host = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(hostAndPort);
  if (host === null)
    throw wrong(option, 'its host or port is not valid', 'write host:port, or [address]:port for IPv6');
  const texts: Record<string, string> = {
    user: decode(colon === -1 ? login : login.slice(0, colon), option),
    password: colon === -1 ? '' : decode(login.slice(colon + 1), option),
    host: decode(host[1]!.replace(/^\[|\]$/g, ''), option),
    port: host[2] ?? '',
    database: decode(database, option),
  };
  for (const [name, value] of new URLSearchParams(query.replaceAll('+', '%2B'))) {
    const part = parameterNames[name];
    if (part !== undefined) texts[part] = value;
    else if (!ignoredParameters.has(name)) {
      throw wrong(option, `its parameter ${name} is not supported`, `known: ${Object.keys(parameterNames).join(', ')}`);
    }
  }
  return partsOf(texts, option);
}

function partsOf(texts: Readonly<Record<string, string>>, option: string): UriParts {
  const { port, password, ...rest } = Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== ''));
  if (port !== undefined && !isPort(port))
    throw wrong(option, `its port "${port}" is not valid`, 'a port is 1 to 65535');
  return {
    ...rest,
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(password === undefined ? {} : { password: new Secret(password) }),
  };
}

/** True for a TCP port as text. */
export function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535;
}

function decode(text: string, option: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong(option, 'it has a malformed % escape', 'a % in a password is written %25');
  }
}

function wrong(option: string, what: string, hint: string): OperationError {
  return new OperationError('config-invalid', `${option} cannot be used: ${what}`, { hint, detail: { option } });
}
