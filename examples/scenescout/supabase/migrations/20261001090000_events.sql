create domain public.slug as text check (value ~ '^[a-z0-9]+(-[a-z0-9]+)*$');
comment on domain public.slug is 'What may stand in a URL.';
create type public.event_status as enum ('draft', 'published', 'cancelled');

create table public.venues (
  id serial primary key,
  slug public.slug not null unique,
  name text not null,
  city text not null,
  capacity integer check (capacity > 0),
  floor_plan oid,
  event_count integer not null default 0,
  created_at timestamptz not null default now()
);
comment on column public.venues.floor_plan is 'Large object with the drawing (SVG); removed with its venue.';
comment on column public.venues.event_count is 'Kept by the trigger events_count_at_venue.';
create trigger venues_manage_floor_plan before update of floor_plan or delete on public.venues
  for each row execute function extensions.lo_manage(floor_plan);

create table public.events (
  id bigint generated always as identity primary key,
  source text not null,
  external_id text not null,
  venue_id integer not null references public.venues (id) on delete restrict,
  title text not null,
  description text not null default '',
  status public.event_status not null default 'published',
  starts_at timestamptz not null,
  ends_at timestamptz,
  price_cents integer check (price_cents >= 0),
  details jsonb not null default '{}',
  search tsvector generated always as
    (setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', description), 'B')) stored,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint events_source_external_id_key unique (source, external_id),
  constraint events_end_after_start check (ends_at > starts_at)
);
comment on table public.events is 'What happens where and when, from every source.';
comment on column public.events.source is 'Who told us; with external_id the identity of the event there.';
create index events_search on public.events using gin (search);
create index events_title_trigrams on public.events using gin (title extensions.gin_trgm_ops);
create index events_upcoming on public.events (starts_at) where status = 'published';
create index events_venue on public.events (venue_id);
create index events_created on public.events (created_at);

create function public.touch_updated_at() returns trigger language plpgsql set search_path = '' as $$
begin
  new.updated_at := now();
  return new;
end
$$;
create trigger events_touch before update on public.events
  for each row execute function public.touch_updated_at();

create function public.count_events_at_venue() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'UPDATE' and new.venue_id = old.venue_id then return null; end if;
  if tg_op <> 'INSERT' then
    update public.venues set event_count = event_count - 1 where id = old.venue_id;
  end if;
  if tg_op <> 'DELETE' then
    update public.venues set event_count = event_count + 1 where id = new.venue_id;
  end if;
  return null;
end
$$;
create trigger events_count_at_venue after insert or delete or update of venue_id on public.events
  for each row execute function public.count_events_at_venue();

-- The large object belongs to the owner of the database; readers go through this function.
create function public.venue_floor_plan(venue integer) returns bytea
  language sql stable security definer set search_path = '' as $$
  select pg_catalog.lo_get(floor_plan) from public.venues where id = venue and floor_plan is not null
$$;

alter table public.venues enable row level security;
create policy "venues are public" on public.venues for select to anon, authenticated using (true);
alter table public.events enable row level security;
create policy "published events are public" on public.events for select to anon, authenticated
  using (status <> 'draft');
grant select on public.venues, public.events to anon, authenticated;

create table public.favourites (
  user_id uuid not null default auth.uid() references public.users (id) on delete cascade,
  event_id bigint not null references public.events (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (user_id, event_id)
);
alter table public.favourites enable row level security;
create policy "favourites are private" on public.favourites to authenticated
  using (user_id = auth.uid()) with check (user_id = auth.uid());
grant select, insert, delete on public.favourites to authenticated;
