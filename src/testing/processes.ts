import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** All living processes (zombies are not) from /proc. One that ends meanwhile is left out. */
export function listProcesses(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const status = readProc(name, 'stat');
      if (status === undefined) return [];
      const [state, parent] = status.slice(status.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z' || state === 'X') return [];
      const command = (readProc(name, 'cmdline') ?? '').replaceAll('\0', ' ').trim();
      return [{ pid: Number(name), parent: Number(parent), command }];
    });
}

/** Processes whose environment holds `name=value`; descendants inherit it even when their parent is gone. */
export function processesWithEnvironment(name: string, value: string): ProcessEntry[] {
  const wanted = `${name}=${value}`;
  return listProcesses().filter(
    (entry) => readProc(String(entry.pid), 'environ')?.split('\0').includes(wanted) === true,
  );
}

/** Processes whose working directory this is: the postmaster and its children, for a data directory. */
export function processesIn(dataDirectory: string): ProcessEntry[] {
  return listProcesses().filter((entry) => {
    try {
      return readlinkSync(`/proc/${entry.pid}/cwd`) === dataDirectory;
    } catch {
      return false;
    }
  });
}

function readProc(pid: string, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}
