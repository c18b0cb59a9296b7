import { defineConfig, type OxlintOverride } from 'oxlint';
import { layers } from './tools/layers.ts';

const testFiles = ['src/testing/**', '**/*.test.ts', '**/*Suite.ts', '**/fixture/**', 'e2e/**'];
const deepestFolder = 3;

export default defineConfig({
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'promise'],
  categories: { correctness: 'error', suspicious: 'error' },
  options: { typeAware: true },
  rules: {
    'import/no-cycle': ['error', { ignoreTypes: true }],
    'import/no-default-export': 'error',
    'no-console': 'error',
    'max-params': ['error', { max: 4 }],
    'max-depth': ['error', { max: 4 }],
    'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'typescript/return-await': ['error', 'error-handling-correctness-only'],
    // values of JSON.parse and of branded types are asserted where they enter
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/no-unnecessary-boolean-literal-compare': 'off',
    'import/no-named-as-default-member': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'unicorn/prefer-add-event-listener': 'off',
    'no-underscore-dangle': 'off',
    'no-unexpected-multiline': 'off', // prettier decides
    'unicorn/no-array-sort': 'off',
    'promise/always-return': 'off',
    'typescript/consistent-return': 'off', // the compiler's business
    'typescript/only-throw-error': 'off', // what was caught is thrown again as `unknown`
  },
  overrides: [
    { files: ['**/*.config.{ts,js}', 'tools/knipFileCount.ts'], rules: { 'import/no-default-export': 'off' } },
    { files: ['src/cli/**', 'src/main.ts', 'tools/**', 'examples/**'], rules: { 'no-console': 'off' } },
    { files: testFiles, rules: { 'max-lines-per-function': 'off' } },
    // node:test waits for its tests itself
    {
      files: ['examples/*/test/**'],
      rules: {
        'typescript/no-floating-promises': [
          'error',
          { allowForKnownSafeCalls: [{ from: 'package', name: 'test', package: 'node:test' }] },
        ],
      },
    },
    ...Object.keys(layers).flatMap(layerOverrides),
  ],
  ignorePatterns: ['dist', 'wasm', 'src/**/generated/**'],
});

/** The layer rules of one folder, once for each depth of nesting: imports are relative. */
function layerOverrides(folder: string): OxlintOverride[] {
  const forbidden = Object.keys(layers).filter((other) => !mayImport(folder, other));
  return Array.from({ length: deepestFolder }, (_, nesting) => {
    const root = `^${'\\.\\./'.repeat(nesting + 1)}`;
    const patterns = [
      { regex: `${root}[^/]+/.+/`, message: 'a sub-folder is private to its folder' },
      {
        regex: `${root}(${forbidden.join('|')})/`,
        message: `src/${folder} may not import this folder: tools/layers.ts`,
      },
    ];
    return {
      files: [`src/${folder}/${'*/'.repeat(nesting)}*.ts`],
      excludeFiles: testFiles,
      rules: { 'no-restricted-imports': ['error', { patterns }] },
    };
  });
}

function mayImport(folder: string, other: string): boolean {
  return (other === folder || other === 'base' || layers[folder]?.includes(other)) ?? false;
}
