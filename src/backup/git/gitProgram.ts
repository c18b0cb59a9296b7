import type { Context } from '../../base/context.ts';
import { OperationError, errorMessage, isOperationError } from '../../base/errors.ts';
import { limitTime } from '../../base/limitTime.ts';
import type { Secret } from '../../base/secret.ts';
import { openProgram, type OsUser } from '../../postgres/runProgram.ts';
import type { RemoteUrl } from './remoteUrl.ts';

export interface GitCall {
  readonly args: readonly string[];
  /** Directory of the repository that it is about. */
  readonly directory: string;
  /** Only root can choose; undefined stays who we are. */
  readonly user?: OsUser | undefined;
  /** The remote that it talks to: its credentials are handed over out of sight of other users. */
  readonly remote?: RemoteUrl;
  readonly input?: string;
  /** Neither the user's nor the machine's configuration is read. */
  readonly unconfigured?: boolean;
  /** Default 1 hour. */
  readonly timeoutMs?: number;
}

export interface GitOutcome {
  readonly stdout: string;
  readonly stderr: readonly string[];
  /** 0 when all is well. */
  readonly status: number;
}

const defaultTimeoutMs = 3_600_000;
const outputBytes = 512 * 1024 * 1024;
const askNothing = 'ssh -oBatchMode=yes -oConnectTimeout=15';

/** How to get to the network, and who we are there: for git that talks to a remote, not for what a repository runs. */
const passedToNetwork = [
  'SSH_AUTH_SOCK',
  'http_proxy',
  'https_proxy',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'no_proxy',
  'NO_PROXY',
];

/**
 * Nothing that a repository brings with it may run on our behalf, nothing is asked, and nothing is tidied up behind our
 * back. Stronger than every configuration file.
 */
const settings = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'fetch.unpackLimit': '1',
  'fetch.writeCommitGraph': 'false',
  'fetch.recurseSubmodules': 'false',
  'fetch.fsckObjects': 'false',
  'protocol.ext.allow': 'never',
  'safe.bareRepository': 'all',
  'http.lowSpeedLimit': '1000',
  'http.lowSpeedTime': '60',
};

const credentialHelper =
  '!f() { echo "username=$UNDERSTUDY_GIT_USERNAME"; echo "password=$UNDERSTUDY_GIT_PASSWORD"; }; f';

/** Runs git and returns what it printed. Throws `program-failed` with its own words, `program-missing`. */
export async function git(ctx: Context, call: GitCall): Promise<string> {
  const { stdout, stderr, status } = await tryGit(ctx, call);
  if (status === 0) return stdout;
  throw new OperationError('program-failed', `git ${call.args[0]} failed: ${reasonOf(stderr)}`, {
    detail: { exitStatus: status, directory: call.directory },
  });
}

/** Runs git and returns how it ended, where that is an answer. Throws `program-failed` when a signal ended it. */
export async function tryGit(ctx: Context, call: GitCall): Promise<GitOutcome> {
  using limited = limitTime(ctx, call.timeoutMs ?? defaultTimeoutMs);
  const stderr: string[] = [];
  await using running = await openProgram(limited.ctx, {
    program: 'git',
    args: ['-C', call.directory, ...call.args],
    user: call.user,
    env: environment(call),
    ...(call.input === undefined ? {} : { input: Buffer.from(call.input) }),
    onStderrLine: (line) => stderr.push(line),
  });
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of running.stdout) {
    bytes += part.length;
    if (bytes > outputBytes)
      throw new OperationError('program-failed', `git ${call.args[0]} printed more than expected`);
    parts.push(part);
  }
  const status = await exitStatus(ctx, running, call);
  return { stdout: Buffer.concat(parts).toString(), stderr, status };
}

async function exitStatus(ctx: Context, running: { exitedCleanly(): Promise<void> }, call: GitCall): Promise<number> {
  try {
    await running.exitedCleanly();
    return 0;
  } catch (error) {
    ctx.signal.throwIfAborted();
    const status = isOperationError(error, 'program-failed') ? error.detail['exitStatus'] : undefined;
    if (typeof status === 'number') return status;
    throw new OperationError('program-failed', `git ${call.args[0]} did not end by itself: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

/**
 * Options for whatever reads a remote. On this machine it may be a repository of another user, which `upload-pack` is
 * made for, and it gives out every commit that is there.
 */
export function serving({ isLocal }: RemoteUrl): string[] {
  if (!isLocal) return [];
  return [`--upload-pack=git -c 'safe.directory=*' -c uploadpack.allowAnySHA1InWant=true upload-pack`];
}

/** The line that says why, without anything that looks like credentials. */
export function reasonOf(stderr: readonly string[]): string {
  const lines = stderr.filter((line) => line.trim() !== '');
  const line = lines.find((each) => /^(fatal|error|remote|ssh):/i.test(each)) ?? lines.at(-1) ?? 'it did not say why';
  return line
    .trim()
    .replace(/(\w+:\/\/)\S*@/g, '$1')
    .slice(0, 300);
}

/** The helper reads its own environment, which only we and root can see. It answers for the remote and nobody else. */
function credentialSettings({ url, credentials }: RemoteUrl): (readonly [string, string])[] {
  const origin = credentials === undefined ? undefined : URL.parse(url)?.origin;
  if (origin === undefined) return [];
  // none of the user's
  return [
    ['credential.helper', ''],
    [`credential.${origin}.helper`, credentialHelper],
  ];
}

type Surroundings = Pick<GitCall, 'remote' | 'user' | 'unconfigured'>;

function environment({ remote, user, unconfigured = false }: Surroundings): Record<string, string | Secret> {
  const { credentials } = remote ?? {};
  const all = [...Object.entries(settings), ...(remote === undefined ? [] : credentialSettings(remote))];
  const variables: Record<string, string | Secret> = {
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_SSH_COMMAND: askNothing,
    GIT_CONFIG_COUNT: String(all.length),
    ...(unconfigured ? { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' } : {}),
  };
  for (const [index, [key, value]] of all.entries()) {
    variables[`GIT_CONFIG_KEY_${index}`] = key;
    variables[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  const isNetwork = remote !== undefined && !remote.isLocal;
  for (const name of [...(user === undefined ? ['XDG_CONFIG_HOME'] : []), ...(isNetwork ? passedToNetwork : [])]) {
    const value = process.env[name];
    if (value !== undefined) variables[name] = value;
  }
  if (credentials !== undefined) {
    variables['UNDERSTUDY_GIT_USERNAME'] = credentials.username;
    variables['UNDERSTUDY_GIT_PASSWORD'] = credentials.password;
  }
  return variables;
}
