import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface ResticResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Stock restic on one repository; the judge of what we write. */
export interface Restic {
  /** Standard output; throws with restic's own words when it fails. */
  run(...commandLine: readonly string[]): Promise<string>;
  /** The one JSON document of e.g. `snapshots --json`. The flag is added here. */
  json<T>(...commandLine: readonly string[]): Promise<T>;
  /** The JSON documents, one a line, of e.g. `ls`, `backup`, `find`. */
  jsonLines<T>(...commandLine: readonly string[]): Promise<T[]>;
  /** Whatever the exit status. */
  attempt(...commandLine: readonly string[]): Promise<ResticResult>;
}

/** `repository` is anything restic takes, usually a directory. No cache: every answer comes from the repository. */
export function restic(repository: string, password: string): Restic {
  async function attempt(...commandLine: readonly string[]): Promise<ResticResult> {
    const environment = { ...process.env, RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: password };
    try {
      const options = { env: environment, maxBuffer: 1 << 28 };
      return { status: 0, ...(await run('restic', ['--no-cache', ...commandLine], options)) };
    } catch (error) {
      if (isExit(error)) return { status: error.code, stdout: error.stdout, stderr: error.stderr };
      throw error;
    }
  }
  async function text(...commandLine: readonly string[]): Promise<string> {
    const result = await attempt(...commandLine);
    if (result.status === 0) return result.stdout;
    throw new Error(`restic ${commandLine.join(' ')} ended with ${result.status}: ${result.stderr.trim()}`);
  }
  return {
    attempt,
    run: text,
    json: async <T>(...commandLine: readonly string[]) => JSON.parse(await text('--json', ...commandLine)) as T,
    jsonLines: async <T>(...commandLine: readonly string[]) => {
      const lines = (await text('--json', ...commandLine)).split('\n');
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as T);
    },
  };
}

function isExit(error: unknown): error is { code: number; stdout: string; stderr: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'number';
}
