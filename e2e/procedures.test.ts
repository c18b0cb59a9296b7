// needs PostgreSQL's client programs
import { type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { parseCommandLine } from '../src/cli/parse.ts';
import { createCluster, type Cluster } from '../src/testing/postgresServer.ts';
import { tempDir, type TempDir } from '../src/testing/tempDir.ts';
import { commandLines } from './fixture/commandLines.ts';
import { outcomeOf } from './fixture/program.ts';
import { codeSpans, fencedBlocks, sections, tableRows } from './fixture/markdown.ts';
import { installProgram, runScript, startScript, type Reader } from './fixture/reader.ts';

vi.setConfig({ testTimeout: 300_000 });

const root = resolve(import.meta.dirname, '..');
const example = join(root, 'examples/scenescout');
const page = readFileSync(join(root, 'docs/procedures.md'), 'utf8');
const schedule = readFileSync(join(example, 'crontab'), 'utf8');

/** The page, section by section: `part` is what of the original a row is about, `block 1` or `list 1`. */
const procedures = sections(page)
  .map(({ heading, parts }) => ({ heading, rows: parts.flatMap(tableRows).map(rowOf) }))
  .filter(({ rows }) => rows.length > 0);

interface Row {
  readonly part: string;
  readonly commands: readonly string[];
}

function rowOf(cells: string[]): Row {
  expect(cells, cells[0]).toHaveLength(4);
  const [part = '', , now = ''] = cells;
  return { part, commands: codeSpans(now) };
}

/** What goes wrong before somebody turns to a section, and what shows that it was mended. */
const mishaps: Readonly<Record<string, { damage: string; mended: string }>> = {
  '2. Database Recovery': {
    damage: `psql "$DATABASE_URL" -qc 'drop table favourites'`,
    mended: `psql "$DATABASE_URL" -Atc 'select count(*) > 0 from favourites' | grep -x t`,
  },
  'Database Table Recovery': {
    damage: `psql "$DATABASE_URL" -qc "update events set title = 'lost'"`,
    mended: `psql "$DATABASE_URL" -Atc "
      select bool_and(e.title <> 'lost' and e.title = t.title)
        from events e left join events_then t using (id)" | grep -x t`,
  },
  'Configuration Recovery': {
    damage: 'rm tsconfig.json && sed -i /compilerOptions/d supabase/config.toml',
    mended: 'git diff --exit-code',
  },
};

/** A person at another terminal answers when asked. */
const patience = `understudy() {
  if [ "$1 \${2-}" != 'plan approve' ]; then command understudy "$@"; return; fi
  for _ in {1..200}; do if command understudy "$@"; then return; else sleep 0.2; fi; done
  return 1
}`;

/** When, and what: in a crontab `%` is a new line unless it is escaped. */
const cronLines = schedule.split('\n').flatMap((line) => {
  const [, when, command] = /^(@reboot|(?:[\d*/,-]+ ){5}) *(.*)$/.exec(line) ?? [];
  return when === undefined || command === undefined
    ? []
    : [{ when: when.trim(), command: command.replaceAll('\\%', '%') }];
});

const executed = new Set<string>();
let cluster: Cluster;
let home: TempDir;
let reader: Reader;
let receiver: { readonly child: ChildProcess; readonly ended: Promise<unknown> } | undefined;

beforeAll(async () => {
  cluster = await createCluster();
  home = await tempDir({ owner: 'server' });
  installProgram(home.path);
  reader = {
    directory: home.path,
    environment: {
      PATH: [home.path, join(root, 'node_modules/.bin'), cluster.binaries, process.env['PATH'] ?? ''].join(':'),
      HOME: home.path,
      APP: home.join('scenescout/app'),
      DIR: home.join('empty'),
    },
  };
  const server = `postgresql://postgres@${encodeURIComponent(cluster.socketDirectory)}:${cluster.port}/postgres`;
  await follow(`cd '${example}'; node scripts/setup.mjs ~/scenescout --server '${server}' --port ${await freePort()}`);
  await follow(`${atTheApplication} understudy init; understudy evidence keygen ../evidence-key.pem; mkdir "$DIR"`);
  const child = startScript(cronLines.find(({ when }) => when === '@reboot')?.command ?? 'false', reader);
  receiver = { child, ended: outcomeOf(child) };
});

afterAll(async () => {
  await runScript(`${atTheApplication} kill "$(cat "$PID_FILE")"`, reader);
  if (receiver?.child.pid !== undefined && receiver.child.exitCode === null) {
    process.kill(-receiver.child.pid, 'SIGTERM');
    await receiver.ended;
  }
  await cluster[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

const atTheApplication = 'cd "$APP"; set -a; . ./.env; set +a;';

async function follow(script: string): Promise<string> {
  const { status, stdout, stderr } = await runScript(script, reader);
  expect(status, `${stdout.slice(-2000)}\n${stderr.slice(-4000)}`).toBe(0);
  return stdout;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

test('the page has a row for every code block and every list of the procedures', () => {
  const original = readFileSync(join(example, 'PROCEDURES.md'), 'utf8');
  const expected = sections(original).flatMap(({ heading, parts }) => {
    const blocks = parts.filter((part) => part.startsWith('```')).map((_, index) => `block ${index + 1}`);
    const lists = parts.filter((part) => /^(- |\d+\. )/.test(part)).map((_, index) => `list ${index + 1}`);
    return [...blocks, ...lists].map((part) => `${heading}: ${part}`);
  });
  expect(expected).toHaveLength(26);
  const there = procedures.flatMap(({ heading, rows }) => rows.map(({ part }) => `${heading}: ${part}`));
  expect([...new Set(there)]).toEqual(expected);
  for (const { heading, rows } of procedures) {
    for (const { commands } of rows) expect(commands, heading).not.toHaveLength(0);
  }
});

test('what the page quotes of the configuration stands there', () => {
  const configuration: unknown = parse(readFileSync(join(example, 'understudy.yaml'), 'utf8'));
  const quoted = fencedBlocks(page, 'yaml');
  expect(quoted.length).toBeGreaterThan(4);
  for (const { text } of quoted) expect(configuration).toMatchObject(parse(text) as object);
});

test('page and schedule name commands and options that exist', () => {
  const written = commandLines([...procedures.flatMap(commandsOf), schedule].join('\n'));
  expect(written.length).toBeGreaterThan(40);
  for (const words of written) expect(() => parseCommandLine(words), words.join(' ')).not.toThrow();
});

describe('each row of the page does what it says', () => {
  for (const section of procedures) {
    test(section.heading, async () => {
      const commands = commandsOf(section);
      const { damage = '', mended = '' } = mishaps[section.heading] ?? {};
      if (damage !== '') await regretLater(damage);
      const wait = commands.some((command) => command.endsWith(' &')) ? 'wait $!' : '';
      await follow([patience, atTheApplication, ...commands, wait, mended].join('\n'));
      for (const command of commands) executed.add(command);
    });
  }
});

test('each line of the schedule does what it says', async () => {
  expect(cronLines.length).toBeGreaterThan(6);
  for (const { when, command } of cronLines) {
    if (when === '@reboot' || executed.has(command.replaceAll('$APP/', ''))) continue;
    await follow(command);
  }
  expect(receiver?.child.exitCode).toBeNull();
});

function commandsOf({ rows }: { readonly rows: readonly Row[] }): string[] {
  return rows.flatMap(({ commands }) => commands);
}

/** `$MOMENT` is the time just before. */
async function regretLater(damage: string): Promise<void> {
  const [row] = await cluster.sql<{ moment: string }>(`select clock_timestamp()::text as moment`);
  reader = { ...reader, environment: { ...reader.environment, MOMENT: row?.moment ?? '' } };
  await follow(`${atTheApplication} ${damage}`);
}
