import type { Secret } from '../base/secret.ts';
import { readPasswordFile } from '../config/password.ts';
import type { Invocation } from './command.ts';

/** The new password: from `--new-password-file`, else asked for twice. */
export function newPassword(
  { askNewPassword }: Pick<Invocation, 'askNewPassword'>,
  file: string | undefined,
): Promise<Secret> {
  return file === undefined ? askNewPassword('new password') : readPasswordFile(file);
}
