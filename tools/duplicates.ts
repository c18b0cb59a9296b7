export interface SourceText {
  readonly path: string;
  readonly text: string;
}

interface Line {
  readonly content: string;
  readonly number: number;
}

/** Runs of at least `minimumLines` equal lines of code in two places: `a.ts:10 and b.ts:40`. Comments do not count. */
export function findDuplicates(sources: readonly SourceText[], minimumLines = 10): string[] {
  const seen = new Map<string, string>();
  const found: string[] = [];
  for (const { path, text } of sources) {
    const lines = codeLines(text);
    for (let start = 0; start + minimumLines <= lines.length; start++) {
      const window = lines.slice(start, start + minimumLines).map((line) => line.content);
      const key = window.join('\n');
      const place = `${path}:${lines[start]?.number ?? 0}`;
      const first = seen.get(key);
      if (first === undefined) {
        seen.set(key, place);
      } else {
        found.push(`${first} and ${place}`);
        start += minimumLines - 1;
      }
    }
  }
  return found;
}

/** Lines with more than punctuation on them; neither comments nor imports. */
function codeLines(text: string): Line[] {
  return text
    .split('\n')
    .map((line, index) => ({ content: line.trim(), number: index + 1 }))
    .filter(({ content }) => /\w/.test(content) && !/^(\/\/|\/\*|\*|import |export (type )?\{|\} from )/.test(content));
}
