/** For pm2: `pm2 start ecosystem.config.js`. */
export const apps = [
  {
    name: 'scenescout',
    script: 'src/main.ts',
    exec_mode: 'fork',
    instances: 1,
    kill_timeout: 10_000,
    max_memory_restart: '512M',
    env: { NODE_ENV: 'production' },
  },
];
