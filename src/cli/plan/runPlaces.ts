import { homedir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { OperationError } from '../../base/errors.ts';
import type { Circumstances } from '../../recovery/runEvent.ts';
import type { Contact } from '../../recovery/surroundings.ts';
import type { Invocation } from '../command.ts';

/** Directory of all runs: the flag, the system's place for root, else below the home directory. */
export function runsDirectory({ runs }: { readonly runs: string | undefined }): string {
  if (runs !== undefined) return resolve(runs);
  if (process.getuid?.() === 0) return '/var/lib/understudy/runs';
  const state = process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state');
  return join(state, 'understudy', 'runs');
}

/** Who acts: the flag, who became root, or the user of this session. */
export function actor({ by }: { readonly by: string | undefined }): string {
  return by ?? process.env['SUDO_USER'] ?? userInfo().username;
}

/** The contacts of the configuration. */
export async function contacts({ loadConfig }: Pick<Invocation, 'loadConfig'>): Promise<Contact[]> {
  const { config } = await loadConfig();
  return config.contacts.map(({ name, role, phone, email }) => ({
    name,
    role,
    phone: phone ?? null,
    email: email ?? null,
  }));
}

export interface CircumstanceFlags {
  readonly declared: string | undefined;
  readonly ticket: string | undefined;
  readonly scenario: string | undefined;
  readonly unavailable: readonly string[];
}

/** What a person says about a run before it begins. Throws `usage` for a time without a zone, or in the future. */
export function circumstances({ declared, ticket, scenario, unavailable }: CircumstanceFlags): Circumstances {
  const declaredMs = declared === undefined ? undefined : Date.parse(declared);
  const zoned = declared === undefined || /(Z|[+-]\d\d:?\d\d)$/i.test(declared);
  if (declaredMs !== undefined && (!zoned || !(declaredMs <= Date.now()))) {
    throw new OperationError(
      'usage',
      `--declared: expected a time that has passed, found ${JSON.stringify(declared)}`,
      {
        hint: 'with its zone: 2026-11-22T10:42:00Z',
      },
    );
  }
  return {
    declaredAt: declaredMs === undefined ? null : new Date(declaredMs).toISOString(),
    ticket: ticket ?? null,
    scenario: scenario ?? null,
    unavailable: [...unavailable],
  };
}
