#!/usr/bin/env node
/** Asks the running application how it is: `app-health-check.mjs [--url <address>] [--strict] [--json]`. */
import { parseArgs } from 'node:util';
import { loadSettings } from '../src/settings.ts';

/** @typedef {{ status: string, checks: Record<string, { verdict: string }> }} Health */

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    // `degraded` fails too; without it, old data is only told: it is what a restored backup has
    strict: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

function configuredUrl() {
  const { host, port } = loadSettings();
  return `http://${host}:${port}`;
}

const url = new URL('/health', values.url ?? configuredUrl()).href;
try {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  const health = /** @type {Health} */ (await response.json());
  if (values.json) console.log(JSON.stringify(health));
  else report(health);
  const isGood = response.ok && (health.status === 'ok' || (health.status === 'degraded' && !values.strict));
  process.exitCode = isGood ? 0 : 1;
} catch (error) {
  console.error(`FAILED   ${url} does not answer: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/** @param {Health} health */
function report({ status, checks }) {
  console.log(`${url} is ${status}`);
  for (const [name, { verdict, ...facts }] of Object.entries(checks)) {
    console.log(`${verdict.padEnd(8)} ${name}: ${JSON.stringify(facts)}`);
  }
}
