import type { Config, PostgresConfig } from '../../config/schema.ts';
import type { Assertion } from '../../verify/verifyOptions.ts';

const sqlTimeoutMs = 60_000;
const commandTimeoutMs = 15 * 60_000;

/** What the configuration asserts about a source; nothing about one that it does not know. */
export function assertionsOf({ sources }: Config, source: string): Assertion[] {
  const assertions: PostgresConfig['verify']['assertions'] = sources[source]?.verify.assertions ?? [];
  return assertions.map(({ sql, command = '', directory, timeout, ...common }): Assertion => {
    if (sql !== undefined) return { kind: 'sql', sql, ...common, timeoutMs: timeout ?? sqlTimeoutMs };
    return { kind: 'command', command, directory, ...common, timeoutMs: timeout ?? commandTimeoutMs };
  });
}
