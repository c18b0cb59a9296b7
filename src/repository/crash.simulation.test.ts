import { describe, expect } from 'vitest';
import type { Backend } from '../backend/backend.ts';
import type { Context } from '../base/context.ts';
import { isOperationError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { needs } from '../testing/needs.ts';
import { passwordText, quickCost } from '../testing/repositories.ts';
import { after, backedUp, before, forgetOne, init, open, openUsual } from './fixture/scenarios.ts';
import { crashEverywhere, type Scenario } from './fixture/simulation.ts';
import { removeLocks } from './heldLocks.ts';
import { addKey, changePassword, listKeys, removeKey } from './keys.ts';
import { RepositoryLock } from './lock.ts';
import { Repository } from './repository.ts';

const scenarios: readonly Scenario[] = [
  {
    name: 'init',
    prepare: async () => undefined,
    run: async (ctx, backend) => {
      // a run that was cut short right at its end has been made, and says so
      await init(ctx, backend).catch((error: unknown) => {
        if (!isOperationError(error, 'repository-exists')) throw error;
      });
    },
    open: async (ctx, backend) => {
      if ((await backend.stat(ctx, 'config')) === undefined) return undefined;
      return openUsual(ctx, backend);
    },
  },
  {
    name: 'the first backup',
    prepare: async (ctx, backend) => void (await init(ctx, backend)),
    run: (ctx, backend, promises) => backedUp(ctx, backend, { files: before, promises }),
    open: openUsual,
  },
  {
    name: 'a further backup',
    prepare: async (ctx, backend, promises) => {
      await init(ctx, backend);
      await backedUp(ctx, backend, { files: before, promises });
    },
    run: (ctx, backend, promises) => backedUp(ctx, backend, { files: after, promises }),
    open: openUsual,
  },
  {
    name: 'forget',
    prepare: async (ctx, backend, promises) => {
      await init(ctx, backend);
      await backedUp(ctx, backend, { files: before, promises });
      await backedUp(ctx, backend, { files: after, promises });
    },
    run: forgetOne,
    open: openUsual,
  },
  {
    name: 'lock and unlock',
    prepare: async (ctx, backend) => {
      const repository = await init(ctx, backend);
      for (const time of ['08:00', '08:10']) {
        const lock = { time: `2026-11-22T${time}:00Z`, exclusive: true, hostname: 'h', username: 'u', pid: 1 };
        await repository.saveDocument(ctx, 'locks', Buffer.from(JSON.stringify(lock)));
      }
    },
    run: async (ctx, backend) => {
      const repository = await open(ctx, backend);
      await removeLocks(ctx, repository, 'stale');
      for (const exclusive of [true, false]) {
        const lock = await RepositoryLock.acquire(ctx, repository, { exclusive });
        await lock[Symbol.asyncDispose]();
      }
    },
    open: openUsual,
  },
  {
    name: 'key add and remove',
    prepare: async (ctx, backend) => void (await init(ctx, backend)),
    run: async (ctx, backend) => {
      const repository = await open(ctx, backend);
      await addKey(ctx, repository, { password: new Secret('second'), cost: quickCost });
      for (const { id, current } of await listKeys(ctx, repository))
        if (!current) await removeKey(ctx, repository, { id });
    },
    open: openUsual,
  },
  {
    name: 'key passwd',
    prepare: async (ctx, backend) => void (await init(ctx, backend)),
    run: async (ctx, backend) => {
      const opened = await openEither(ctx, backend);
      const next = opened.password === passwordText ? 'changed' : passwordText;
      await changePassword(ctx, opened.repository, { password: new Secret(next), cost: quickCost });
    },
    open: openEither,
  },
];

/** After a change of the password was cut short the old one, the new one or both open. */
async function openEither(ctx: Context, backend: Backend): Promise<{ repository: Repository; password: string }> {
  try {
    return { repository: await open(ctx, backend), password: passwordText };
  } catch (error) {
    if (!isOperationError(error, 'wrong-password')) throw error;
    const repository = await Repository.open(ctx, backend, { password: new Secret('changed') });
    return { repository, password: 'changed' };
  }
}

describe('a process that dies before any of its mutations leaves a sound repository', () => {
  for (const scenario of scenarios) {
    needs('restic')(scenario.name, async () => {
      expect(await crashEverywhere(scenario)).toBeGreaterThan(4);
    });
  }
});
