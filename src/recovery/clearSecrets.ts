import { textsIn } from './parameters.ts';
import type { PlanProblem } from './planProblem.ts';

/** A password between the colon and the @ of a URI; a reference or a stand-in in its place is right. */
const uriPassword = /[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:(?![$<[])[^\s@/]+@/i;
const word = String.raw`(?:[a-z]+[_-])?(?:password|passwd|pwd|secret|token|api[_-]?key)`;
/** A flag is followed by its value with a blank too. */
const given = String.raw`(?:\s*=\s*|:\s*|\s+(?<=--?\S+\s+))`;
const literal = String.raw`(?![\s$<"'{]*(?:\$|<|$))\S`;
/** `password=...`, `--token ...`, also within a command; not `$PASSWORD`, not a file that holds it. */
const assignment = new RegExp(String.raw`(?<![\w-])(?:--?)?${word}${given}${literal}`, 'i');
/** What only keys look like. */
const keyForms = [
  /\bAKIA[0-9A-Z]{16}\b/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\bgh[pousr]_[A-Za-z0-9]{20,}\b/,
  /\bxox[abpr]-[A-Za-z0-9-]{10,}/,
  /\bsk_live_[A-Za-z0-9]{10,}/,
];
/** Names of variables and headers that carry a secret; a variable that names a file does not. */
const secretName = /(?:^|[_-])?(?:password|passwd|pwd|secret|token|api[_-]?key|authorization|access[_-]?key)$/i;
/** Words for people: they may speak of passwords. */
const prose = new Set(['title', 'description', 'runbook', 'prompt']);

const hint = 'declare a parameter with `secret: true` and `environment:`, and write ${name} here';

/** Finds secrets that a document holds in clear: anybody who reads the plan, or the evidence, would have them. */
export function findClearSecrets(raw: unknown): PlanProblem[] {
  return textsIn(raw).flatMap(({ path, text }) => {
    const key = String(path.at(-1));
    const isKey = keyForms.some((form) => form.test(text));
    const isNamed = secretName.test(key) && text !== '' && !text.includes('${') && !prose.has(key);
    const isAssigned = !prose.has(key) && !path.some((step) => prose.has(String(step))) && assignment.test(text);
    if (!isKey && !uriPassword.test(text) && !isNamed && !isAssigned) return [];
    return [{ path, message: `${path.map(String).join('.')} holds a secret in clear`, hint }];
  });
}
