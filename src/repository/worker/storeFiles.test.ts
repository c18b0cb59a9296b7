import { utimesSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { tempDir } from '../../testing/tempDir.ts';
import { storeFiles, type FileResult } from './storeFiles.ts';
import type { StoreState } from './storeState.ts';

test('a file that changes while it is read is told, also when its modification time is set back', async () => {
  await using dir = await tempDir();
  const paths = [dir.join('changing'), dir.join('still')];
  for (const path of paths) writeFileSync(path, path);
  utimesSync(paths[0]!, 5, 5);
  const results: FileResult[] = [];
  let claims = 0;
  const state = {
    polynomial: 0x3da3358b4dc173n,
    host: {
      aborted: () => false,
      counters: [0, 0, 0],
      post: ({ file }: { readonly file: FileResult }) => void results.push(file),
    },
    table: {
      claim: () => {
        if (claims++ > 0) return -1;
        writeFileSync(paths[0]!, paths[0]!.toUpperCase());
        utimesSync(paths[0]!, 5, 5);
        return -1;
      },
    },
  } as unknown as StoreState;
  await storeFiles(state, { paths, next: new Int32Array(new SharedArrayBuffer(4)) });
  expect(results.map(({ changed }) => changed)).toEqual([true, false]);
});
