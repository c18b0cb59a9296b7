import type { Context } from '../../base/context.ts';
import { isId } from '../../base/hex.ts';
import { listLocks } from '../heldLocks.ts';
import { listKeys } from '../keys.ts';
import { describeLock } from '../lockDocument.ts';
import { maxKeysTried } from '../openConfig.ts';
import type { Repository } from '../repository.ts';
import type { Findings } from './findings.ts';

/** Every key must be usable: stock clients give up at the first one that is not. Returns how many there are. */
export async function checkKeys(ctx: Context, repository: Repository, findings: Findings): Promise<number> {
  const keys = await listKeys(ctx, repository);
  for (const { id, problem } of keys) {
    if (problem === undefined) continue;
    findings.error(`keys/${id}`, problem, 'while it is there stock clients may not open the repository: remove it');
  }
  if (keys.length > maxKeysTried) {
    const problem = `${keys.length} keys, and clients try ${maxKeysTried}`;
    findings.hint('keys/', problem, 'remove keys that nobody needs, or open with --key-hint');
  }
  if (!keys.some(({ current }) => current)) {
    const problem = 'the key that opened the repository is no longer there';
    findings.error(
      `keys/${repository.keyId}`,
      problem,
      'did somebody change the password? make sure that you know one',
    );
  }
  return keys.length;
}

/** Returns how many locks there are. */
export async function checkLocks(ctx: Context, repository: Repository, findings: Findings): Promise<number> {
  const locks = await listLocks(ctx, repository);
  for (const { id, lock, empty, stale } of locks) {
    const object = `locks/${id}`;
    if (empty) findings.hint(object, 'is empty', 'a write that was cut short: `understudy unlock` removes it');
    else if (lock === undefined) {
      findings.error(object, 'cannot be read and blocks everybody', '`understudy unlock --remove-all` removes it');
    } else if (stale) {
      findings.hint(object, `is stale: ${describeLock(lock)}`, '`understudy unlock` removes it');
    }
  }
  return locks.length;
}

/** Objects in the repository's own folders that are none of its objects. Everything else is nobody's business here. */
export async function checkStrays(
  ctx: Context,
  repository: Repository,
  { strays, findings }: { readonly strays: readonly string[]; readonly findings: Findings },
): Promise<void> {
  const found = [...strays];
  for (const folder of ['snapshots/', 'index/', 'keys/', 'locks/']) {
    for await (const { name } of repository.backend.list(ctx, folder)) {
      if (!isId(name.slice(folder.length))) found.push(name);
    }
  }
  for (const name of found) findings.hint(name, 'is no object of a repository', 'clients ignore it; who put it there?');
}
