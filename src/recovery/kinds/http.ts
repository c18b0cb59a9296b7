import { z } from 'zod';
import type { Context } from '../../base/context.ts';
import { OperationError, errorMessage } from '../../base/errors.ts';
import { formatDuration } from '../../base/duration.ts';
import { planDuration } from '../planDocument.ts';
import { defineStepKind, type StepEnvironment } from '../stepKind.ts';

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const mostBodyBytes = 1024 * 1024;

/** Asks a URL until the answer is the expected one, or the time is up. */
export const httpKind = defineStepKind({
  name: 'http',
  shape: {
    url: z
      .string()
      .regex(/^(https?:\/\/|\$\{)/, 'expected a URL')
      .describe('What is asked.'),
    method: z
      .enum(['GET', 'HEAD', 'POST', 'PUT', 'DELETE'])
      .default('GET')
      .describe('HTTP method; only GET and HEAD are asked more than once.'),
    headers: z.record(z.string(), z.string()).default({}).describe('Header fields; a place for secrets.'),
    body: z.string().optional().describe('What is sent.'),
    expect: z
      .strictObject({
        status: z.int().min(100).max(599).default(200).describe('Status of the answer.'),
        json: z.record(z.string(), scalar).default({}).describe('Values in the answer, by dotted path.'),
      })
      .prefault({})
      .describe('What the answer must be.'),
    every: planDuration().prefault('2s').describe('Pause between two questions.'),
    for: planDuration().prefault('1m').describe('How long to ask.'),
    requestTimeout: planDuration().prefault('10s').describe('How long to wait for one answer.'),
  },
  secretKeys: ['url', 'headers', 'body'],
  repeatable: ({ method }) => onlyAsks(method),
  run: async (ctx, options, step) => {
    const endMs = ctx.clock.monotonicMs() + options.for;
    for (let asked = 1; ; asked++) {
      const problem = await ask(ctx, options, step);
      if (problem === undefined) return { summary: 'the answer is the expected one', facts: { asked } };
      step.output(problem);
      const once = !onlyAsks(options.method);
      if (once || ctx.clock.monotonicMs() + options.every > endMs) {
        const what = once ? 'not the expected answer' : `no such answer within ${formatDuration(options.for)}`;
        throw new OperationError('step-failed', `${what}: ${problem}`, {
          hint: 'does the service run, and does its log say why it answers so?',
        });
      }
      await ctx.clock.sleep(options.every, ctx.signal);
    }
  },
  byHand: ({ url, method, expect }) => `curl -sS -X ${method} -w '%{http_code}\\n' '${url}'  # expect ${expect.status}`,
});

interface Question {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly expect: { readonly status: number; readonly json: Readonly<Record<string, z.output<typeof scalar>>> };
  readonly requestTimeout: number;
}

/** What is wrong with the answer; undefined when it is as expected. Throws only when the context is aborted. */
async function ask(ctx: Context, question: Question, step: StepEnvironment): Promise<string | undefined> {
  const over = new AbortController();
  const late = new AbortController();
  const sleeping = ctx.clock.sleep(question.requestTimeout, AbortSignal.any([ctx.signal, over.signal]));
  sleeping.then(
    () => late.abort(new Error(`no answer within ${formatDuration(question.requestTimeout)}`)),
    () => undefined,
  );
  const headers = Object.entries(question.headers).map(([name, text]) => [name, step.fill(text).reveal()] as const);
  try {
    const response = await fetch(step.fill(question.url).reveal(), {
      method: question.method,
      headers: Object.fromEntries(headers),
      redirect: 'manual',
      signal: AbortSignal.any([ctx.signal, late.signal]),
      ...(question.body === undefined ? {} : { body: step.fill(question.body).reveal() }),
    });
    return await difference(response, question.expect);
  } catch (error) {
    ctx.signal.throwIfAborted();
    const cause = error instanceof Error && error.cause !== undefined ? `: ${errorMessage(error.cause)}` : '';
    return errorMessage(error) + cause;
  } finally {
    over.abort();
  }
}

async function difference(response: Response, expect: Question['expect']): Promise<string | undefined> {
  const paths = Object.entries(expect.json);
  if (response.status !== expect.status || paths.length === 0) {
    await response.body?.cancel();
    return response.status === expect.status ? undefined : `status ${response.status} instead of ${expect.status}`;
  }
  const document: unknown = JSON.parse(await bodyText(response));
  const wrong = paths.find(([path, value]) => valueAt(document, path) !== value);
  return wrong === undefined ? undefined : `${wrong[0]} is not ${JSON.stringify(wrong[1])}`;
}

async function bodyText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > mostBodyBytes) throw new Error(`the answer is longer than ${mostBodyBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function valueAt(document: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
      document,
    );
}

/** Whatever else is sent may have had its effect, also when the answer is wrong or lost. */
export function onlyAsks(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}
