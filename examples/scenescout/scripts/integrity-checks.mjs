/** Queries that find what must not be: each row is a problem. */
export const integrityChecks = {
  'every event has its venue': `
    select e.id from public.events e left join public.venues v on v.id = e.venue_id where v.id is null limit 5`,
  'no event is there twice': `
    select source, external_id, count(*) from public.events group by 1, 2 having count(*) > 1 limit 5`,
  'venues know how many events they have': `
    select v.id, v.event_count, count(e.id) as counted from public.venues v left join public.events e on e.venue_id = v.id
    group by v.id having v.event_count <> count(e.id) limit 5`,
  'every account has a profile, every profile an account': `
    select coalesce(a.id, u.id) as id from auth.users a full join public.users u on u.id = a.id
    where a.id is null or u.id is null limit 5`,
  'favourites point at users and events': `
    select f.* from public.favourites f left join public.users u on u.id = f.user_id left join public.events e on e.id = f.event_id
    where u.id is null or e.id is null limit 5`,
  'views point at events': `
    select w.event_id from public.event_views w left join public.events e on e.id = w.event_id where e.id is null limit 5`,
  'views lie in the partition of their month': `
    select tableoid::regclass as partition, viewed_at from public.event_views
    where tableoid::regclass::text not like '%default'
      and to_char(viewed_at at time zone 'UTC', 'YYYY_MM') <> right(tableoid::regclass::text, 7) limit 5`,
  'every floor plan can be read': `
    select v.id, v.floor_plan from public.venues v left join pg_largeobject_metadata o on o.oid = v.floor_plan
    where v.floor_plan is not null
      and (o.oid is null or convert_from(lo_get(v.floor_plan), 'UTF8') not like '<svg%</svg>')`,
  'the search index agrees with the texts': `
    select id from public.events where search is distinct from
      setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', description), 'B') limit 5`,
  'sequences are not behind their tables': `
    select * from (values
      ('venues', (select max(id) from public.venues), (select last_value from public.venues_id_seq)),
      ('events', (select max(id) from public.events), (select last_value from public.events_id_seq)),
      ('ingestion_runs', (select max(id) from public.ingestion_runs), (select last_value from public.ingestion_runs_id_seq))
    ) as s (name, greatest_id, last_value) where greatest_id > last_value`,
  'statistics are there': `
    select 'event_stats' as name, count(*) from public.event_stats
    having coalesce(sum(events), 0) = 0 and exists (select from public.events)`,
  'row security is on for every table of public': `
    select c.oid::regclass from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relrowsecurity`,
  'every policy, role and extension is there': `
    select needed from unnest(array['pg_trgm', 'lo']) as needed where needed not in (select extname from pg_extension)
    union all
    select needed from unnest(array['anon', 'authenticated', 'service_role']) as needed where to_regrole(needed) is null
    union all
    select needed from unnest(array['events', 'venues', 'users', 'favourites', 'event_views']) as needed
    where needed not in (select tablename from pg_policies where schemaname = 'public')`,
};

/** What to look at, right or wrong. */
export const countQueries = {
  totals: `
    select 'Total Events' as metric, count(*)::int as value from public.events
    union all select 'Total Users', count(*)::int from auth.users
    union all select 'Total Venues', count(*)::int from public.venues`,
  bySource: `
    select source, count(*)::int as count, max(created_at) as latest_event from public.events group by source order by source`,
};
