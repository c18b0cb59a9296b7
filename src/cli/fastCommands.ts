import { register, type RegisteredCommand } from './command.ts';

/**
 * Commands that PostgreSQL starts once per WAL segment. Each entry is loaded alone, without the command table:
 * name of the command -> its registration.
 */
export const fastCommands: Readonly<Record<string, () => Promise<RegisteredCommand>>> = {
  'wal push': async () =>
    register((await import('./specs/walPush.ts')).walPushSpec, () => import('./commands/walPush.ts')),
  'wal get': async () => register((await import('./specs/walGet.ts')).walGetSpec, () => import('./commands/walGet.ts')),
};
