import { homedir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import type { Contact } from '../../recovery/evidence.ts';
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
