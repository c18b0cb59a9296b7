/** Where the front end is and goes. Vite understands it; `scripts/build.mjs` needs no more than this. */
export default {
  root: 'web',
  build: { outDir: '../dist/web', emptyOutDir: true },
  server: { port: 5173, proxy: { '/events': 'http://127.0.0.1:8080', '/venues': 'http://127.0.0.1:8080' } },
};
