interface ShownEvent {
  readonly title: string;
  readonly starts_at: string;
  readonly venue: { readonly name: string; readonly city: string };
}

const list = document.querySelector('#events');
const form = document.querySelector('form');

async function show(words: string): Promise<void> {
  const path = words === '' ? '/events' : `/events/search?q=${encodeURIComponent(words)}`;
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  const { events } = (await response.json()) as { events: ShownEvent[] };
  list?.replaceChildren(...events.map(itemOf));
}

function itemOf(event: ShownEvent): HTMLLIElement {
  const item = document.createElement('li');
  const time = new Date(event.starts_at).toLocaleString();
  item.textContent = `${event.title}: ${time}, ${event.venue.name} (${event.venue.city})`;
  return item;
}

form?.addEventListener('submit', (submission) => {
  submission.preventDefault();
  const words = new FormData(form).get('q');
  void show(typeof words === 'string' ? words.trim() : '');
});

void show('');
