import { file, text, type CommandSpec } from '../spec.ts';

const newPassword = {
  newPasswordFile: file('--new-password-file <file>', 'File that holds the new password; else it is asked for twice.'),
};

export const keyListSpec = {
  name: 'key list',
  summary: 'List the keys of the repository',
  description: 'Each key is a password that opens the repository. The one that this command used is marked.',
  options: {},
  examples: [{ command: 'key list', meaning: 'who can open the repository' }],
} as const satisfies CommandSpec;

export const keyAddSpec = {
  name: 'key add',
  summary: 'Add a password that opens the repository',
  options: {
    ...newPassword,
    user: text('--user <name>', 'User name to note in the key; default that of this user.'),
    host: text('--host <name>', 'Host name to note in the key; default that of this machine.'),
  },
  examples: [
    { command: 'key add --user emergency', meaning: 'a password for the safe' },
    { command: 'key add --new-password-file agent.pw', meaning: 'one for a program' },
  ],
} as const satisfies CommandSpec;

export const keyRemoveSpec = {
  name: 'key remove',
  summary: 'Remove a password',
  description:
    'Whoever knew the password may have kept the master key that it gave access to: removing it keeps nobody out who ' +
    'copied that, and new backups into a new repository do.',
  arguments: [{ name: 'id', description: 'id of the key, or its beginning' }],
  options: {},
  examples: [{ command: 'key remove 1a2b3c4d', meaning: 'an id from `key list`' }],
} as const satisfies CommandSpec;

export const keyPasswdSpec = {
  name: 'key passwd',
  summary: 'Change the password that this command is given',
  options: newPassword,
  examples: [{ command: 'key passwd', meaning: 'asks for the new password twice' }],
} as const satisfies CommandSpec;
