import { chmod, chown, lstat, mkdir, symlink, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createContext } from '../base/context.ts';
import { rootOnly } from '../testing/needs.ts';
import { tempDir } from '../testing/tempDir.ts';
import { runProgram } from './runProgram.ts';
import { assertReachable, chooseRuntimeUser, chownTree, makeDirectoryFor } from './runtimeUser.ts';

const ctx = createContext();
const isRoot = process.getuid?.() === 0;
const nobody = { name: 'nobody', uid: 65534, gid: 65534 };

rootOnly('root drops: configured user, else the owner, else postgres or nobody', async () => {
  await using directory = await tempDir();
  expect(await chooseRuntimeUser(ctx, { configured: 'nobody', dataDirectory: directory.path })).toEqual(nobody);
  expect(['postgres', 'nobody']).toContain((await chooseRuntimeUser(ctx, { dataDirectory: directory.path }))?.name);
  await chown(directory.path, nobody.uid, nobody.gid);
  expect(await chooseRuntimeUser(ctx, { dataDirectory: directory.path })).toEqual(nobody);
  await chown(directory.path, 54_321, 54_322);
  const unnamed = { name: '#54321', uid: 54_321, gid: 54_322 };
  expect(await chooseRuntimeUser(ctx, { dataDirectory: directory.path })).toEqual(unnamed);
});

test('an unprivileged process stays who it is and cannot become another', async () => {
  // Run by a child so that it is tested for root too.
  const script = `
    const { chooseRuntimeUser } = await import(${JSON.stringify(new URL('./runtimeUser.ts', import.meta.url).href)});
    const { createContext } = await import(${JSON.stringify(new URL('../base/context.ts', import.meta.url).href)});
    const stays = await chooseRuntimeUser(createContext());
    const other = await chooseRuntimeUser(createContext(), { configured: 'daemon' }).catch((error) => error.message);
    console.log(JSON.stringify([stays ?? null, other]));`;
  const user = isRoot ? nobody : undefined;
  const { stdout } = await runProgram(ctx, {
    program: process.execPath,
    args: ['--input-type=module', '-e', script],
    user,
  });
  expect(JSON.parse(stdout)).toEqual([null, 'cannot run PostgreSQL as daemon: we are not root']);
});

test('a user that does not exist, and root, are refused', async () => {
  const unknown = { code: 'usage', message: 'there is no user no-such-user on this machine' };
  await expect(chooseRuntimeUser(ctx, { configured: 'no-such-user' })).rejects.toMatchObject(unknown);
  await expect(chooseRuntimeUser(ctx, { configured: 'root' })).rejects.toThrow('does not run as root');
});

rootOnly('gives a tree away without following links', async () => {
  await using directory = await tempDir();
  await writeFile(directory.join('outside'), '');
  await mkdir(directory.join('tree/deep'), { recursive: true });
  await writeFile(directory.join('tree/deep/file'), '');
  await symlink(directory.join('outside'), directory.join('tree/deep/link'));
  await chownTree(ctx, directory.join('tree'), nobody);
  for (const path of ['tree', 'tree/deep', 'tree/deep/file', 'tree/deep/link']) {
    expect((await lstat(directory.join(path))).uid).toBe(nobody.uid);
  }
  expect((await lstat(directory.join('outside'))).uid).toBe(0);
  await makeDirectoryFor(nobody, directory.join('own'));
  expect(await lstat(directory.join('own'))).toMatchObject({ uid: nobody.uid, mode: 0o40700 });
});

rootOnly('names the directory that stands in the way', async () => {
  await using directory = await tempDir();
  await mkdir(directory.join('closed/open'), { recursive: true });
  await assertReachable(ctx, directory.join('closed/open'), nobody);
  await chmod(directory.join('closed'), 0o700);
  await expect(assertReachable(ctx, directory.join('closed/open'), nobody)).rejects.toMatchObject({
    code: 'file-denied',
    message: `${directory.join('closed')} may not be entered by nobody`,
  });
  await assertReachable(ctx, directory.join('closed/open'), undefined);
});
