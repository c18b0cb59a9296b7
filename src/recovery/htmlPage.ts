/** Text that is HTML already; everything else is escaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | boolean | null | Html | readonly Html[];

/** Builds HTML; what is put in is escaped unless it is `Html` itself. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((text, next, index) => text + rendered(parts[index - 1] ?? '') + next));
}

function rendered(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part?.map((one) => one.text).join('') ?? '';
  return String(part).replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A table with a row for each of some values. */
export function table(titles: readonly string[], rows: readonly (readonly Part[])[]): Html {
  const head = titles.map((title) => html`<th scope="col">${title}</th>`);
  const body = rows.map(
    (row) =>
      html`<tr>
        ${row.map((cell) => html`<td${longClass(cell)}>${cell}</td>`)}
      </tr> `,
  );
  return html`<table>
    <thead>
      <tr>
        ${head}
      </tr>
    </thead>
    <tbody>
      ${body}
    </tbody>
  </table> `;
}

/** Words too long for a column may be broken anywhere; the others stay whole, days too. */
function longClass(cell: Part): Html {
  if (typeof cell !== 'string') return new Html('');
  if (/^\d{4}-\d\d-\d\d \S+ UTC$/.test(cell)) return new Html(' class="time"');
  return new Html(/\S{24}/.test(cell) ? ' class="long"' : '');
}

const style = `
body { font: 15px/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 2rem auto;
  max-width: 60rem; padding: 0 1rem }
h1 { font-size: 1.6rem; margin: 0 0 .3rem }
h2 { font-size: 1.15rem; margin: 1.8rem 0 .5rem; break-after: avoid }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem; border-bottom: 1px solid #ccc }
th { font-weight: 600; background: #f2f2f2 }
tr, section { break-inside: avoid }
pre { background: #f5f5f5; padding: .6rem; white-space: pre-wrap; overflow-wrap: anywhere }
code { overflow-wrap: anywhere }
h3 { font-size: 1rem; margin: 1rem 0 .3rem; break-after: avoid }
.long, .fields td { overflow-wrap: anywhere }
.time { min-width: 5.5em }
.fields th { width: 30%; background: none; font-weight: 600 }
.notes { font-size: .9em; margin: .2rem 0 0 }
.verdict { font-size: 1.2rem; font-weight: 600; padding: .6rem .8rem; border: 2px solid }
@page { size: A4; margin: 18mm 15mm }
@media print {
  body { margin: 0; max-width: none; padding: 0; font-size: 9pt }
  th { background: none }
  pre { border: 1px solid #ccc }
}
`;

/** A whole document in one file: no script, nothing that is fetched. */
export function page(title: string, body: Html): string {
  const head = html`<meta charset="utf-8" /><meta name="viewport" content="width=device-width" /><title>
      ${title}
    </title>`;
  const opening = `<!doctype html>\n<html lang="en"><head>${head.text}<style>${style}</style></head>`;
  return `${opening}\n<body>\n${body.text}</body></html>\n`;
}
