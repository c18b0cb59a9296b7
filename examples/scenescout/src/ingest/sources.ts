import { HttpError, parseJson } from '../http.ts';
import { type IncomingEvent, moment, text } from './incomingEvent.ts';

type Parser = (body: string) => IncomingEvent[];
type Item = Readonly<Record<string, unknown>>;

/** Each source speaks its own way. */
export const sources: ReadonlyMap<string, Parser> = new Map([
  ['cityfeed', parseCityFeed],
  ['boxoffice', parseBoxOffice],
  ['listings', parseListings],
]);

/** The city's open data: a JSON array, flat. */
function parseCityFeed(body: string): IncomingEvent[] {
  return items(parseJson(body)).map((item) => {
    const externalId = text(item['id'], 'id');
    const { id: _, name, text: description, begin, end, place, city, ...details } = item;
    return {
      externalId,
      title: text(name, 'name', externalId),
      description: typeof description === 'string' ? description : '',
      startsAt: moment(begin, externalId),
      endsAt: end === undefined ? null : moment(end, externalId),
      priceCents: null,
      venue: { name: text(place, 'place', externalId), city: text(city, 'city', externalId) },
      details,
    };
  });
}

/** The ticket seller: nested, Unix seconds, prices in its currency's main unit. */
function parseBoxOffice(body: string): IncomingEvent[] {
  const document = parseJson(body) as { performances?: unknown } | null;
  return items(document?.performances).map((item) => {
    const externalId = text(item['ref'], 'ref');
    const hall = (item['hall'] ?? {}) as Item;
    const seconds = Number(item['startsAt']);
    const price = item['price'];
    return {
      externalId,
      title: text(item['headline'], 'headline', externalId),
      description: '',
      startsAt: moment(seconds * 1000, externalId),
      endsAt:
        item['minutes'] === undefined ? null : moment((seconds + Number(item['minutes']) * 60) * 1000, externalId),
      priceCents: typeof price === 'number' ? Math.round(price * 100) : null,
      venue: { name: text(hall['name'], 'hall.name', externalId), city: text(hall['town'], 'hall.town', externalId) },
      details: { seats: item['seats'] ?? null },
    };
  });
}

/** The magazine: lines `id;title;start;venue;city`, after a heading. */
function parseListings(body: string): IncomingEvent[] {
  const [heading, ...lines] = body.split(/\r?\n/).filter((line) => line !== '');
  if (heading !== 'id;title;start;venue;city') throw new HttpError(422, 'the heading is not id;title;start;venue;city');
  return lines.map((line) => {
    const [id, title, start, venue, city] = line.split(';');
    const externalId = text(id, 'id');
    return {
      externalId,
      title: text(title, 'title', externalId),
      description: '',
      startsAt: moment(start, externalId),
      endsAt: null,
      priceCents: null,
      venue: { name: text(venue, 'venue', externalId), city: text(city, 'city', externalId) },
      details: {},
    };
  });
}

function items(value: unknown): Item[] {
  if (!Array.isArray(value)) throw new HttpError(422, 'the list of events is missing');
  return value as Item[];
}
