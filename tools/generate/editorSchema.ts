import { z } from 'zod';
import { configSchema } from '../../src/config/schema.ts';

/** JSON Schema of `understudy.yaml` for editors: what may be written, not what comes out. */
export function editorSchema(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7', reused: 'inline' });
  return `${JSON.stringify({ ...schema, title: 'understudy.yaml' }, null, 2)}\n`;
}
