-- An events application: random uuid keys, prose, JSON, 22 B-tree and GIN indexes. :scale = 1 makes 2 GB.
CREATE TABLE users (
  id uuid NOT NULL, email text NOT NULL, display_name text NOT NULL, bio text, settings jsonb NOT NULL,
  password_hash text NOT NULL, created_at timestamptz NOT NULL, last_seen_at timestamptz);
CREATE TABLE venues (
  id uuid NOT NULL, name text NOT NULL, city text NOT NULL, address text NOT NULL, latitude float8, longitude float8,
  capacity int, attributes jsonb NOT NULL);
CREATE TABLE events (
  id uuid NOT NULL, venue_id uuid NOT NULL, organizer_id uuid NOT NULL, title text NOT NULL, description text NOT NULL,
  starts_at timestamptz NOT NULL, price_cents int, status text NOT NULL, attributes jsonb NOT NULL,
  created_at timestamptz NOT NULL);
CREATE TABLE tickets (
  id uuid NOT NULL, event_id uuid NOT NULL, user_id uuid NOT NULL, code text NOT NULL, price_cents int NOT NULL,
  status text NOT NULL, bought_at timestamptz NOT NULL, scanned_at timestamptz);
CREATE TABLE audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY, actor_id uuid NOT NULL, action text NOT NULL, entity_id uuid NOT NULL,
  details jsonb NOT NULL, remark text NOT NULL, at timestamptz NOT NULL);

-- A version 4 uuid from random().
CREATE FUNCTION random_uuid() RETURNS uuid LANGUAGE sql VOLATILE AS $$
  SELECT overlay(overlay(md5(random()::text || random()::text) PLACING '4' FROM 13) PLACING 'a' FROM 17)::uuid
$$;
CREATE FUNCTION random_time() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
  SELECT timestamptz '2025-01-01 00:00:00+00' + random() * interval '600 days'
$$;

-- Words as a language has them: few that are frequent, many that are rare.
CREATE TABLE vocabulary (n int, word text);
SELECT setseed(0.5);
INSERT INTO vocabulary
  SELECT n, string_agg(syllable, '') FROM (
    SELECT n, (string_to_array('ta,re,mi,lo,con,ver,ning,ster,al,ou,ble,pre,tion,er,in,sha,qui,ly,fe,gra,mo,nd,ex,ple,st,ho,wa,ck,im,pu,ra,th', ','))
      [1 + floor(random() * 32)] AS syllable
    FROM generate_series(1, 3000) AS n, generate_series(1, 1 + n % 4)) AS syllables
  GROUP BY n ORDER BY n;

-- Fills users, venues, events, tickets, audit_log. PL/pgSQL, since its arrays give an element in constant time.
CREATE PROCEDURE fill(scale float8) LANGUAGE plpgsql AS $$
DECLARE
  words text[] := (SELECT array_agg(word ORDER BY n) FROM vocabulary);
  user_ids uuid[];
  venue_ids uuid[];
  event_ids uuid[];
  id uuid;
  prose text;
BEGIN
  PERFORM setseed(0.25);
  FOR n IN 1..(230000 * scale)::int LOOP
    id := random_uuid();
    user_ids[n] := id;
    prose := '';
    FOR w IN 1..20 LOOP prose := prose || words[1 + floor(3000 * power(random(), 4))] || ' '; END LOOP;
    INSERT INTO users VALUES (id, 'user' || n || '@example.org', initcap(words[1 + floor(random() * 3000)]), prose,
      jsonb_build_object('language', 'en', 'newsletter', random() < 0.5, 'radius_km', floor(random() * 100)),
      '$2b$12$' || encode(sha256(id::text::bytea), 'base64'), random_time(), random_time());
  END LOOP;
  FOR n IN 1..(23000 * scale)::int LOOP
    id := random_uuid();
    venue_ids[n] := id;
    INSERT INTO venues VALUES (id, initcap(words[1 + floor(random() * 3000)]) || ' Hall',
      initcap(words[1 + floor(random() * 200)]), n || ' ' || words[1 + floor(random() * 3000)] || ' street',
      random() * 180 - 90, random() * 360 - 180, 50 * (1 + floor(random() * 100)),
      jsonb_build_object('accessible', random() < 0.7, 'rooms', floor(random() * 9), 'phone', floor(random() * 1e9)));
  END LOOP;
  FOR n IN 1..(510000 * scale)::int LOOP
    id := random_uuid();
    event_ids[n] := id;
    prose := '';
    FOR w IN 1..(65 + n % 80) LOOP prose := prose || words[1 + floor(3000 * power(random(), 4))] || ' '; END LOOP;
    INSERT INTO events VALUES (id, venue_ids[1 + floor(random() * array_length(venue_ids, 1))],
      user_ids[1 + floor(random() * array_length(user_ids, 1))], left(prose, 40), prose, random_time(),
      100 * floor(random() * 90), (ARRAY['draft', 'published', 'cancelled'])[1 + floor(random() * 3)],
      jsonb_build_object('genre', words[1 + floor(random() * 60)], 'tags', ARRAY[words[1 + floor(random() * 900)],
        words[1 + floor(random() * 900)]], 'source', 'https://example.org/e/' || id, 'age', 6 * (n % 4)), random_time());
  END LOOP;
  INSERT INTO tickets
    SELECT random_uuid(), event_ids[1 + floor(random() * array_length(event_ids, 1))],
      user_ids[1 + floor(random() * array_length(user_ids, 1))], upper(left(md5(random()::text), 10)),
      100 * floor(random() * 90), (ARRAY['reserved', 'paid', 'used'])[1 + floor(random() * 3)], random_time(), NULL
    FROM generate_series(1, (2300000 * scale)::int);
  FOR n IN 1..(1230000 * scale)::int LOOP
    prose := '';
    FOR w IN 1..20 LOOP prose := prose || words[1 + floor(3000 * power(random(), 4))] || ' '; END LOOP;
    INSERT INTO audit_log (actor_id, action, entity_id, details, remark, at) VALUES (
      user_ids[1 + floor(random() * array_length(user_ids, 1))],
      (ARRAY['login', 'create', 'update', 'publish', 'buy', 'refund'])[1 + floor(random() * 6)],
      event_ids[1 + floor(random() * array_length(event_ids, 1))],
      jsonb_build_object('ip', '10.' || floor(random() * 255) || '.' || floor(random() * 255) || '.7', 'ms',
        floor(random() * 900), 'request', random_uuid()), prose, timestamptz '2025-01-01 00:00:00+00' + n * interval '37 s');
  END LOOP;
END $$;

CALL fill(:scale);

ALTER TABLE users ADD PRIMARY KEY (id);
CREATE UNIQUE INDEX ON users (email);
CREATE INDEX ON users (created_at);
CREATE INDEX ON users (last_seen_at);
ALTER TABLE venues ADD PRIMARY KEY (id);
CREATE INDEX ON venues (city);
CREATE INDEX ON venues (name);
ALTER TABLE events ADD PRIMARY KEY (id);
CREATE INDEX ON events (venue_id);
CREATE INDEX ON events (organizer_id);
CREATE INDEX ON events (starts_at);
CREATE INDEX ON events (status, starts_at);
CREATE INDEX ON events (created_at);
CREATE INDEX ON events USING gin (to_tsvector('simple', description));
CREATE INDEX ON events USING gin (attributes jsonb_path_ops);
ALTER TABLE tickets ADD PRIMARY KEY (id);
CREATE INDEX ON tickets (event_id);
CREATE INDEX ON tickets (user_id);
CREATE UNIQUE INDEX ON tickets (code, id);
ALTER TABLE audit_log ADD PRIMARY KEY (id);
CREATE INDEX ON audit_log (entity_id, at);
CREATE INDEX ON audit_log (actor_id);

-- A day of use: 1 to 2 % of the rows, anywhere.
CREATE PROCEDURE run_day(seed int) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM setseed(1.0 / (1 + seed));
  UPDATE users SET last_seen_at = now() WHERE random() < 0.02;
  UPDATE tickets SET status = 'used', scanned_at = now() WHERE random() < 0.015;
  UPDATE events SET description = description || title, price_cents = price_cents + 100 WHERE random() < 0.01;
  DELETE FROM tickets WHERE random() < 0.003;
  INSERT INTO tickets
    SELECT random_uuid(), event_id, user_id, upper(left(md5(random()::text), 10)), price_cents, 'paid', now(), NULL
    FROM tickets WHERE random() < 0.01;
  INSERT INTO audit_log (actor_id, action, entity_id, details, remark, at)
    SELECT actor_id, action, random_uuid(), details, reverse(remark), now() FROM audit_log WHERE random() < 0.015;
END $$;

VACUUM ANALYZE;

-- Again, for the rows that ANALYZE has just written: whoever reads them first changes their page.
VACUUM;
