import { z } from 'zod';
import { planSchema } from '../../src/recovery/planDocument.ts';
import { stepKinds } from '../../src/recovery/stepKinds.ts';

const reference: z.core.JSONSchema.JSONSchema = { type: 'string', pattern: '\\$\\{[^}]+\\}' };

/**
 * JSON Schema of recovery plans for editors. Numbers, and true and false, may be parameters there: `${name}` is put in
 * before the plan is read.
 */
export function planSchemaFile(): string {
  const schema = z.toJSONSchema(planSchema(stepKinds), {
    io: 'input',
    target: 'draft-7',
    reused: 'inline',
    override: ({ jsonSchema, path }) => {
      if (path.includes('steps')) allowReference(jsonSchema);
    },
  });
  return `${JSON.stringify({ ...schema, title: 'recovery plan of understudy' }, null, 2)}\n`;
}

function allowReference(node: z.core.JSONSchema.JSONSchema): void {
  const { type } = node;
  if (type !== 'integer' && type !== 'number' && type !== 'boolean') return;
  const plain = { ...node };
  for (const key of Object.keys(node)) Reflect.deleteProperty(node, key);
  node.anyOf = [plain, reference];
}
