import pg from 'pg';
import { OperationError, errorMessage, isOperationError, systemErrorCode } from '../../base/errors.ts';
import { type ConnectionOptions, describeServer } from '../connectionOptions.ts';
import type { ServerNotice } from './messages.ts';
import { firstLine, serverError } from './serverErrors.ts';

const unreachableHints: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'is the server running, and does it listen on this address and port (listen_addresses, port)?',
  ENOENT: 'there is no socket here: is the server running, and is this its unix_socket_directories?',
  ENOTFOUND: 'is the host name spelled right, and does the name service know it?',
  EAI_AGAIN: 'the name service does not answer: is the network up?',
  ETIMEDOUT: 'does a firewall drop the packets?',
  EHOSTUNREACH: 'is there a route to this host?',
  ENETUNREACH: 'is the network up?',
  ECONNRESET: 'did the server, a proxy or a firewall cut the connection?',
  EPIPE: 'did the server, a proxy or a firewall cut the connection?',
};

const certificateCodes = /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA)/;
const handshakeCodes = /^(ERR_SSL_|ERR_TLS_|ERR_OSSL_|EPROTO$)/;
const withoutTls = ['The server does not support SSL connections', 'There was an error establishing an SSL connection'];

/** What pg threw while connecting, as an `OperationError`. */
export function connectError(options: ConnectionOptions, error: unknown): OperationError {
  if (isOperationError(error)) return error;
  const attempted = `connecting to PostgreSQL at ${describeServer(options)}`;
  const notice = asServerNotice(error);
  if (notice !== undefined) return serverError(attempted, notice);

  const text = errorMessage(error);
  const system = systemErrorCode(error);
  const make = (code: OperationError['code'], reason: string, hint: string): OperationError =>
    new OperationError(code, `${attempted}: ${firstLine(reason)}`, { hint, cause: error });

  if (withoutTls.includes(text)) {
    return make('postgres-settings', 'the server does not offer TLS', 'set ssl = on there, or choose another TLS mode');
  }
  if (text.startsWith('SASL')) {
    return make('postgres-denied', text, 'is this the password of this user, and the server the one it claims to be?');
  }
  if (text === 'timeout expired') {
    return make('postgres-unreachable', 'no answer in time', 'does a firewall drop the packets, or is the host down?');
  }
  if (text === 'Connection terminated unexpectedly') {
    return make(
      'postgres-unreachable',
      'it closed the connection',
      'does something other than PostgreSQL listen there?',
    );
  }
  if (system !== undefined && certificateCodes.test(system)) {
    return make('postgres-unreachable', text, 'does `ca` hold the root of its certificate, and is this its host name?');
  }
  if (system !== undefined && handshakeCodes.test(system)) {
    return make(
      'postgres-unreachable',
      text,
      'do both sides have a TLS version in common, and is this a PostgreSQL port?',
    );
  }
  if (system === 'EACCES') {
    return make('postgres-denied', text, 'may the user of this process enter the socket directory?');
  }
  const hint = unreachableHints[system ?? ''] ?? 'is the address right, and the network up?';
  return make('postgres-unreachable', text || (system ?? 'no connection'), hint);
}

/** True when libpq's `prefer` would try again without TLS: no TLS there, or refused before any password was asked. */
export function mayWorkWithoutTls(error: unknown): boolean {
  const system = systemErrorCode(error) ?? '';
  return (
    withoutTls.includes(errorMessage(error)) ||
    handshakeCodes.test(system) ||
    asServerNotice(error)?.sqlstate === '28000'
  );
}

/** The server's own report inside pg's error, if it is one. */
export function asServerNotice(error: unknown): ServerNotice | undefined {
  if (!(error instanceof pg.DatabaseError)) return undefined;
  return {
    severity: error.severity ?? 'ERROR',
    sqlstate: error.code ?? 'XX000',
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.routine === undefined ? {} : { routine: error.routine }),
  };
}
