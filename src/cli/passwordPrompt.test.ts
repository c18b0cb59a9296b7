import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const program = `
import { askNewPassword, askPassword } from '${join(import.meta.dirname, 'passwordPrompt.ts')}';
const terminal = { error: (text) => process.stderr.write(text) };
try {
  const ask = process.env.NEW ? askNewPassword : askPassword;
  const secret = await ask({ input: process.stdin, terminal, signal: new AbortController().signal }, 'password');
  console.log('length ' + secret.reveal().length + ' end ' + secret.reveal().at(-1));
} catch (error) {
  console.log(error.code + ': ' + error.message);
}
`;

/** Types keys at the prompt on a real pseudo-terminal and returns all that the screen showed. */
async function typed(keys: string, again = ''): Promise<string> {
  const command = `'${process.execPath}' --input-type=module -e "$PROGRAM"`;
  const child = spawn('/usr/bin/script', ['-qec', command, '/dev/null'], {
    env: { ...process.env, PROGRAM: program, NEW: again },
  });
  let screen = '';
  child.stdout.on('data', (chunk: Buffer) => {
    if (!screen.includes('password: ') && chunk.includes('password: ')) child.stdin.write(keys);
    if (!screen.includes('again: ') && chunk.includes('again: ')) child.stdin.write(again);
    screen += chunk.toString();
  });
  await once(child, 'close');
  return screen;
}

test('what is typed is not shown; backspace and Ctrl-U work', async () => {
  const screen = await typed('wrong\x15hunter\x7fR7é\r');
  expect(screen).toContain('length 8 end é');
  expect(screen).not.toMatch(/hunte|wrong/);
});

test('Ctrl-C and an empty answer are errors', async () => {
  expect(await typed('abc\x03')).toContain('interrupted:');
  expect(await typed('\r')).toContain('usage: no password was typed');
});

test('a new password is asked for twice', async () => {
  expect(await typed('same\r', 'same\r')).toContain('length 4 end e');
  expect(await typed('same\r', 'other\r')).toContain('usage: the two passwords differ');
});

test('without a terminal nobody is asked', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'ignore'] });
  let output = '';
  for await (const chunk of child.stdout) output += String(chunk);
  expect(output).toContain('usage: no password is given and there is no terminal');
});
