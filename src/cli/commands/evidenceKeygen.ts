import { resolve } from 'node:path';
import { writeSigningKey } from '../../recovery/envelope.ts';
import type { CommandRun } from '../command.ts';
import type { evidenceKeygenSpec } from '../specs/evidence.ts';

export const run: CommandRun<typeof evidenceKeygenSpec> = async (_ctx, { arguments: names, printer }) => {
  const file = resolve(names[0] ?? '');
  const { keyId, publicKey } = writeSigningKey(file);
  printer.result('signing_key', { file, public_key: publicKey, key_id: keyId }, () =>
    [
      `Private key  ${file}  (evidence.signingKeyFile in understudy.yaml)`,
      `Public key   ${publicKey}  (for auditors)`,
      `Key id       ${keyId}`,
    ].join('\n'),
  );
};
