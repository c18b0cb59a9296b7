import { z } from 'zod';
import { described, secret, section, text } from '../schemaParts.ts';

export const tlsModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

/** How to reach a server. */
export function connectionShape() {
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
