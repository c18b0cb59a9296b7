import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { OperationError, systemErrorCode } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { PasswordSource } from './repositorySettings.ts';

/**
 * The password that a source stands for; undefined when there is no source and a person has to be asked.
 * White space around the content of a file or the output of a command is dropped, as restic does.
 * Errors: `file-missing`, `file-denied`, `file-io`, `program-failed`, `config-invalid` (empty).
 */
export async function readPassword(source: PasswordSource, signal: AbortSignal): Promise<Secret | undefined> {
  if (source.kind === 'none') return undefined;
  if (source.kind === 'value') return source.secret;
  if (source.kind === 'file') return readPasswordFile(source.path);
  return passwordOf(await runPasswordCommand(source.command, signal), 'the password command printed nothing');
}

/** The password in a file, without white space around it. */
export async function readPasswordFile(path: string): Promise<Secret> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const code = systemErrorCode(cause);
    if (code === 'ENOENT') {
      throw new OperationError('file-missing', `password file ${path} does not exist`, {
        hint: 'is the path right? relative paths on the command line start at the current directory',
        cause,
      });
    }
    throw new OperationError(code === 'EACCES' ? 'file-denied' : 'file-io', `cannot read password file ${path}`, {
      hint: 'may the user who runs understudy read it?',
      cause,
    });
  }
  return passwordOf(text, `password file ${path} is empty`);
}

function passwordOf(text: string, whenEmpty: string): Secret {
  const password = text.trim();
  if (password !== '') return new Secret(password);
  throw new OperationError('config-invalid', whenEmpty, { hint: 'a repository always has a password' });
}

function runPasswordCommand(command: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile('/bin/sh', ['-c', command], { signal, encoding: 'utf8' }, (error, stdout) => {
      if (error === null) return resolve(stdout);
      if (signal.aborted) return reject(signal.reason as Error);
      // the error's own message repeats the whole command line, which may hold a token
      const status =
        typeof error.code === 'number' ? `exit status ${error.code}` : `signal ${error.signal ?? 'unknown'}`;
      reject(
        new OperationError('program-failed', `the password command failed with ${status}`, {
          hint: 'run it by hand: it must print the password to its standard output',
        }),
      );
    });
    child.stderr?.pipe(process.stderr);
    child.stdin?.end();
  });
}
