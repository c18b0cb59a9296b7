import { expect, test } from 'vitest';
import { OperationError } from '../base/errors.ts';
import { isPluginCall, pluginReport } from './pluginReport.ts';

test.each([
  [true, 'monitor'],
  [true, 'monitor app --nonsense'],
  [true, '--repo /backup -v --config u.yaml monitor'],
  [true, '--repo=/backup monitor'],
  [true, '-r monitor monitor'],
  [false, 'backup monitor'],
  [false, '--repo monitor backup'],
  [false, 'status'],
  [false, ''],
])('%s: understudy %s', (expected, line) => {
  expect(isPluginCall(line.split(' ').filter((word) => word !== ''))).toBe(expected);
});

test('one line, whatever the error says, and no bar that would begin performance data', () => {
  const error = new OperationError('program-failed', 'the command\n  failed: a | b', { hint: 'look' });
  expect(pluginReport(error, { json: false })).toBe('UNDERSTUDY UNKNOWN - the command failed: a / b (look)\n');
  expect(pluginReport(new TypeError('x'), { json: false })).toMatch(
    /^UNDERSTUDY UNKNOWN - internal error: x \(this is a/,
  );
  expect(JSON.parse(pluginReport(error, { json: true }))).toMatchObject({
    message_type: 'monitor',
    state: 'unknown',
    error: { code: 'program-failed', hint: 'look' },
  });
});
