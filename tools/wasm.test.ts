import { expect, test } from 'vitest';
import { generateWasm } from './wasm.ts';

test('the embedded WebAssembly is what the sources in wasm/ compile to', async () => {
  expect(await generateWasm(true)).toEqual([]);
});
