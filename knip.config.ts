import type { KnipConfig } from 'knip';

/** `!` marks what ships: with --production, code that only tests use counts as unused. */
const configuration: KnipConfig = {
  workspaces: {
    '.': {
      entry: [
        // started by URL: worker threads, the modules that they load (base/workerPool.ts), and background processes
        'src/base/workerThread.ts!',
        'src/**/worker/*Kernel.ts!',
        'src/**/*{Consumer,Inspector}.ts!',
        'src/wal/{get,push}/*Process.ts!',
        // programs that tests start
        'src/**/fixture/{*Process,*Owner,*Holder,writer,*Kernel}.ts',
        'src/testing/fixture/*.ts',
        'tools/{bench,build,completeLock,generate,lint,terminalPicture,test,wasm}.ts',
        'tools/knipFileCount.ts',
        '{src,tools,e2e}/**/*.test.ts',
        '*.config.ts',
      ],
      project: [
        '{src,tools,e2e}/**/*.ts',
        'src/**/*.ts!',
        '!src/testing/**!',
        '!src/**/*.test.ts!',
        '!src/**/*Suite.ts!',
      ],
      // found by path: PostgreSQL for the tests; loaded only where it can be: koffi
      ignoreDependencies: [/^pg1[3-8]$/, 'koffi'],
    },
    'examples/*': {
      // by path, once its packages are there: createDatabase
      entry: ['{src/{main,createDatabase},test/*.test,web/app}.ts', 'scripts/*.{js,mjs}', '*.config.{ts,js}'],
      project: ['**/*.{ts,js,mjs}'],
    },
  },
  ignoreExportsUsedInFile: true,
  ignoreBinaries: [
    'fish',
    'mkfifo',
    'mount',
    'openssl',
    'restic',
    'setfattr',
    'setpriv',
    'strace',
    'umount',
    'unshare',
  ],
};

export default configuration;
