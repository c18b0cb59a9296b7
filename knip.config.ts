import type { KnipConfig } from 'knip';

/** `!` marks what ships: with --production, code that only tests use counts as unused. */
const configuration: KnipConfig = {
  entry: [
    'src/main.ts!',
    // started by URL: worker threads and the modules they load (base/workerPool.ts)
    'src/base/workerThread.ts!',
    'src/**/worker/*{Kernel,Consumer}.ts!',
    'src/testing/fixture/*.ts',
    'tools/{bench,build,completeLock,generate,lint,test,wasm}.ts',
    'tools/knipFileCount.ts',
    '{src,tools,e2e}/**/*.test.ts',
    '*.config.ts',
  ],
  project: ['{src,tools,e2e}/**/*.ts', 'src/**/*.ts!', '!src/testing/**!', '!src/**/*.test.ts!', '!src/**/*Suite.ts!'],
  ignoreExportsUsedInFile: true,
  // found by path: PostgreSQL for the tests; loaded only where it can be: koffi
  ignoreDependencies: [/^pg1[3-8]$/, 'koffi'],
  ignoreBinaries: ['mount', 'openssl', 'setpriv', 'umount'],
};

export default configuration;
