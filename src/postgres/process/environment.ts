import { Secret } from '../../base/secret.ts';

/** The only variables of ours that a program sees: no credential of the daemon leaks into a child. */
const passedOn = ['PATH', 'HOME', 'USER', 'LOGNAME', 'TZ', 'TMPDIR'] as const;
const fallbackPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The environment of a child: the allow-list, messages in English (we read them), and what the caller adds.
 * For another user HOME and the names are left out, because ours would point it at files it may not read.
 */
export function childEnvironment(
  added: Readonly<Record<string, string | Secret>>,
  otherUser: string | undefined,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of passedOn) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  environment['PATH'] ??= fallbackPath;
  const locale = process.env['LC_ALL'] ?? process.env['LC_CTYPE'] ?? process.env['LANG'];
  if (locale !== undefined) environment['LC_CTYPE'] = locale;
  environment['LC_MESSAGES'] = 'C';
  if (otherUser !== undefined) {
    environment['HOME'] = '/';
    environment['USER'] = otherUser;
    environment['LOGNAME'] = otherUser;
    delete environment['TMPDIR'];
  }
  for (const [name, value] of Object.entries(added)) {
    environment[name] = value instanceof Secret ? value.reveal() : value;
  }
  return environment;
}
