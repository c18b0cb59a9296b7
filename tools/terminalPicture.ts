/**
 * `node src/main.ts demo | node tools/terminalPicture.ts "npm run demo" > docs/demo.svg`: a picture of a terminal window
 * with the command and, from standard input, what it printed.
 */
import { text } from 'node:stream/consumers';

const characterWidth = 8.4;
const lineHeight = 21;
const margin = 18;
const titleHeight = 34;
const columns = 100;
const buttons = ['#e06c5f', '#e0b35f', '#7fb069'];

const [command = ''] = process.argv.slice(2);
process.stdout.write(picture(command, (await text(process.stdin)).trimEnd().split('\n')));

function picture(typed: string, printed: readonly string[]): string {
  const lines = printed.flatMap(wrapped);
  const width = Math.ceil(columns * characterWidth + 2 * margin);
  const height = titleHeight + (lines.length + 1) * lineHeight + margin;
  const rows = [`<tspan class="prompt">$ </tspan>${escaped(typed)}`, ...lines.map(coloured)];
  const size = `width="${width}" height="${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${width} ${height}" role="img">
<title>${escaped(typed)}</title>
<style>
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; }
text { fill: #d8dee9; white-space: pre; }
.prompt { fill: #8fbc7f; } .time { fill: #7b879d; }
</style>
<rect ${size} rx="10" fill="#1b1f2a"/>
${buttons.map((fill, index) => `<circle cx="${22 + index * 20}" cy="18" r="6" fill="${fill}"/>`).join('')}
${rows.map(rowText).join('\n')}
</svg>
`;
}

function rowText(row: string, index: number): string {
  const y = titleHeight + (index + 1) * lineHeight - 6;
  return `<text x="${margin}" y="${y}" xml:space="preserve">${row}</text>`;
}

/** A line as the terminal would show it: cut at spaces, continued below its text. */
function wrapped(line: string): string[] {
  if (line.length <= columns) return [line];
  const cut = line.lastIndexOf(' ', columns);
  const indent = /^\s*(\d[\d.]* \w+ +)?/.exec(line)?.[0].length ?? 0;
  return [line.slice(0, cut), ...wrapped(' '.repeat(indent) + line.slice(cut + 1))];
}

/** The time in front of a line is what matters least. */
function coloured(line: string): string {
  const time = /^ *\d[\d.]* m?s /.exec(line)?.[0] ?? '';
  return `<tspan class="time">${time}</tspan>${escaped(line.slice(time.length))}`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
