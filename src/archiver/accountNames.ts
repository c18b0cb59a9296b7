import { readFileSync } from 'node:fs';

/** Names of users and groups by number, as restic stores them beside the numbers. */
export interface AccountNames {
  user(uid: number): string | undefined;
  group(gid: number): string | undefined;
}

/** Reads the local account files once. Accounts that only a directory service knows have no name here. */
export function loadAccountNames(passwd = '/etc/passwd', group = '/etc/group'): AccountNames {
  const users = readNames(passwd);
  const groups = readNames(group);
  return { user: (uid) => users.get(uid), group: (gid) => groups.get(gid) };
}

function readNames(path: string): Map<number, string> {
  const names = new Map<number, string>();
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return names;
  }
  for (const line of text.split('\n')) {
    const [name, , id] = line.split(':');
    if (name !== undefined && id !== undefined && !names.has(Number(id))) names.set(Number(id), name);
  }
  return names;
}
