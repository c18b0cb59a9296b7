import { expect, test } from 'vitest';
import { exactPattern, parseSchemaPattern, parseTablePattern } from './namePattern.ts';

test('patterns become the expressions that pg_dump makes of them', () => {
  expect(parseTablePattern('Events')).toEqual({ schema: undefined, name: '^(events)$' });
  expect(parseTablePattern('auth.us?r*')).toEqual({ schema: '^(auth)$', name: '^(us.r.*)$' });
  expect(parseTablePattern('"My.Schema"."T*able?"')).toEqual({ schema: '^(My\\.Schema)$', name: '^(T\\*able\\?)$' });
  expect(parseTablePattern('"say ""hi"""')).toEqual({ schema: undefined, name: '^(say "hi")$' });
  expect(parseTablePattern('cost$[0-9]')).toEqual({ schema: undefined, name: '^(cost\\$[0-9])$' });
  expect(parseSchemaPattern('pub*')).toBe('^(pub.*)$');
});

test('an exact pattern is read back as that name', () => {
  const name = 'We"ird.*?$name';
  const expression = new RegExp(parseSchemaPattern(exactPattern(name)));
  expect(expression.test(name)).toBe(true);
  expect(expression.test('WeXird.*?$name')).toBe(false);
});
