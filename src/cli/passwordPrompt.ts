import type { ReadStream } from 'node:tty';
import { OperationError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { Terminal } from './terminal.ts';

const enter = ['\r', '\n'];
const endOfInput = '\x04';
const interrupt = '\x03';
const eraseLine = '\x15';
const eraseCharacter = ['\x7f', '\b'];

export interface PasswordPrompt {
  readonly input: ReadStream;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/**
 * Asks for a password at the terminal without showing it. Errors: `usage` when there is no terminal to ask at or
 * nothing is typed, `interrupted` on Ctrl-C.
 */
export async function askPassword({ input, terminal, signal }: PasswordPrompt, question: string): Promise<Secret> {
  if (!input.isTTY) {
    throw new OperationError('usage', 'no password is given and there is no terminal to ask for it', {
      hint: 'use UNDERSTUDY_PASSWORD, --password-file, --password-command or the configuration file',
    });
  }
  input.setRawMode(true); // before the question: what is typed early must not be shown either
  terminal.error(`${question}: `);
  try {
    const typed = await readLine(input, signal);
    if (typed !== '') return new Secret(typed);
  } finally {
    input.setRawMode(false);
    input.pause();
    terminal.error('\n');
  }
  throw new OperationError('usage', 'no password was typed', { hint: 'a repository always has a password' });
}

/** Asks twice; `usage` when the answers differ. */
export async function askNewPassword(prompt: PasswordPrompt, question: string): Promise<Secret> {
  const first = await askPassword(prompt, question);
  const second = await askPassword(prompt, 'the same again');
  if (first.reveal() === second.reveal()) return first;
  throw new OperationError('usage', 'the two passwords differ', { hint: 'run the command again' });
}

function readLine(input: ReadStream, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let typed = '';
  const onData = (chunk: string) => {
    for (const character of chunk) {
      if (enter.includes(character) || character === endOfInput) return resolve(typed);
      if (character === interrupt) return reject(new OperationError('interrupted', 'stopped at the password prompt'));
      if (character === eraseLine) typed = '';
      else if (eraseCharacter.includes(character)) typed = typed.replace(/.$/su, '');
      else typed += character;
    }
  };
  const onAbort = () => reject(signal.reason as Error);
  input.setEncoding('utf8');
  input.on('data', onData);
  input.resume(); // an earlier question has paused it
  signal.addEventListener('abort', onAbort, { once: true });
  return promise.finally(() => {
    input.off('data', onData);
    signal.removeEventListener('abort', onAbort);
  });
}
