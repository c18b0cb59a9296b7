-- Deterministic: the same seed.scale, seed.text and seed.until give the same rows on every server.
create function pg_temp.pick(salt text, item bigint, choices bigint) returns bigint language sql immutable as
  $$ select (('x' || substr(md5(current_setting('seed.text') || salt || item), 1, 15))::bit(60)::bigint) % choices $$;
create function pg_temp.until() returns timestamptz language sql stable as
  $$ select current_setting('seed.until')::timestamptz $$;

select public.ensure_event_views_partition(pg_temp.until() - make_interval(months => back))
from generate_series(-1, 2) as back;

insert into public.venues (slug, name, city, capacity, floor_plan, created_at)
select 'venue-' || g,
       (array['Grand', 'Old', 'Little', 'Blue', 'North', 'Café'])[1 + pg_temp.pick('adjective', g, 6)] || ' '
         || (array['Hall', 'Theatre', 'Cellar', 'Garden', 'Arena', 'Müller''s'])[1 + pg_temp.pick('noun', g, 6)]
         || ' ' || g,
       (array['Berlin', 'Zürich', 'Kraków', 'Lisboa', 'São Paulo'])[1 + pg_temp.pick('city', g, 5)],
       50 + pg_temp.pick('capacity', g, 5000),
       case when g % 4 = 1 then lo_from_bytea(0, convert_to(
         '<svg xmlns="http://www.w3.org/2000/svg"><title>venue ' || g || '</title>'
         || (select string_agg('<rect id="' || md5(g || '/' || seat) || '"/>', '') from generate_series(1, 200) as seat)
         || '</svg>', 'UTF8')) end,
       pg_temp.until() - interval '400 days'
from generate_series(1, greatest(20 * current_setting('seed.scale')::int, 20)) as g;

insert into auth.users (id, email, encrypted_password, raw_user_meta_data, created_at)
select md5(current_setting('seed.text') || 'user' || g)::uuid, 'user' || g || '@example.com',
       md5('salt' || g) || ':' || md5('key' || g),
       jsonb_build_object('display_name', (array['Ada', 'Zoë', 'Jürgen', 'Siobhán', '小林'])[1 + g % 5] || ' ' || g),
       pg_temp.until() - make_interval(mins => pg_temp.pick('joined', g, 500000)::int)
from generate_series(1, 100 * current_setting('seed.scale')::int) as g;

insert into public.events
  (source, external_id, venue_id, title, description, status, starts_at, ends_at, price_cents, details, created_at, updated_at)
select (array['cityfeed', 'boxoffice', 'listings'])[1 + g % 3], 'seed-' || g,
       1 + pg_temp.pick('venue', g, (select count(*) from public.venues)),
       (array['Night of ', 'Live: ', 'Workshop: ', 'Opening: '])[1 + pg_temp.pick('kind', g, 4)]
         || (array['Jazz', 'Poetry', 'Fado', 'Robots', 'Chess', 'Élégies'])[1 + pg_temp.pick('topic', g, 6)] || ' ' || g,
       'Doors open early. ' || md5('description' || g) || ' ' || md5('more' || g),
       (case when g % 50 = 0 then 'draft' when g % 33 = 0 then 'cancelled' else 'published' end)::public.event_status,
       start, start + make_interval(mins => 30 + pg_temp.pick('length', g, 240)::int),
       case when g % 5 > 0 then 500 + 100 * pg_temp.pick('price', g, 60) end,
       jsonb_build_object('tags', jsonb_build_array('seed', 'tag' || pg_temp.pick('tag', g, 20)), 'rank', g % 100),
       created, created
from generate_series(1, 1000 * current_setting('seed.scale')::int) as g
cross join lateral (select pg_temp.until() + make_interval(mins => pg_temp.pick('start', g, 100000)::int - 20000) as start,
                           pg_temp.until() - make_interval(mins => pg_temp.pick('created', g, 80000)::int) as created) as t;

insert into public.event_views (event_id, viewed_at, referrer)
select e.id, pg_temp.until() - make_interval(mins => pg_temp.pick('viewed', g, 100000)::int),
       case when g % 3 = 0 then 'https://example.com/' || g % 7 end
from generate_series(1, 4000 * current_setting('seed.scale')::int) as g
join public.events e on e.external_id = 'seed-' || (1 + pg_temp.pick('event', g, 1000 * current_setting('seed.scale')::int));

insert into public.favourites (user_id, event_id, created_at)
select distinct md5(current_setting('seed.text') || 'user' || (1 + pg_temp.pick('fan', g, 100 * current_setting('seed.scale')::int)))::uuid, e.id, pg_temp.until()
from generate_series(1, 300 * current_setting('seed.scale')::int) as g
join public.events e on e.external_id = 'seed-' || (1 + pg_temp.pick('liked', g, 1000 * current_setting('seed.scale')::int));

insert into public.ingestion_runs (source, started_at, finished_at, received, inserted)
select source, max(created_at), max(created_at) + interval '1 second', count(*), count(*)
from public.events group by source;

insert into public."Gäste ""VIP"" O'Brien" ("Name (größer)", "🎟 Plätze")
select 'Guest \ "' || g || '" ' || chr(10) || 'second line', g from generate_series(1, 25) as g;

set local role service_role;
refresh materialized view public.event_stats;
reset role;
