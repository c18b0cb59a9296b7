-- Roles belong to the cluster and outlive the database: each is created only where it is missing.
do $$
begin
  if to_regrole('anon') is null then create role anon nologin; end if;
  if to_regrole('authenticated') is null then create role authenticated nologin; end if;
  if to_regrole('service_role') is null then create role service_role nologin bypassrls; end if;
end
$$;

create schema auth;
create schema extensions;
comment on schema auth is 'Credentials. Only service_role reads them.';

create extension pg_trgm with schema extensions;
create extension lo with schema extensions;

grant usage on schema public, auth, extensions to anon, authenticated, service_role;
alter default privileges in schema public grant all on tables to service_role;
alter default privileges in schema public grant all on sequences to service_role;

create table auth.users (
  id uuid primary key default gen_random_uuid(),
  email text not null check (email like '%_@_%'),
  encrypted_password text not null,
  raw_user_meta_data jsonb not null default '{}',
  created_at timestamptz not null default now()
);
create unique index users_email_key on auth.users (lower(email));
comment on column auth.users.encrypted_password is 'scrypt, as salt:key in hexadecimal';
grant all on auth.users to service_role;

create function auth.uid() returns uuid language sql stable
  as $$ select nullif(current_setting('request.user_id', true), '')::uuid $$;
comment on function auth.uid() is 'The user on whose behalf the current transaction runs, or null.';

-- What others may see of a user; kept beside the credentials by a trigger.
create table public.users (
  id uuid primary key references auth.users (id) on delete cascade,
  display_name text not null check (display_name <> ''),
  created_at timestamptz not null default now()
);

create function auth.handle_new_user() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.users (id, display_name, created_at)
  values (new.id, coalesce(new.raw_user_meta_data ->> 'display_name', split_part(new.email, '@', 1)), new.created_at);
  return new;
end
$$;
create trigger on_auth_user_created after insert on auth.users
  for each row execute function auth.handle_new_user();

alter table public.users enable row level security;
create policy "profiles are public" on public.users for select to anon, authenticated using (true);
create policy "users rename themselves" on public.users for update to authenticated
  using (id = auth.uid()) with check (id = auth.uid());
grant select on public.users to anon, authenticated;
grant update (display_name) on public.users to authenticated;
