-- The tables that pgbench creates, with the rows that it puts into them; :scale is its -s.
CREATE TABLE pgbench_branches (bid int NOT NULL, bbalance int, filler char(88)) WITH (fillfactor = 100);
CREATE TABLE pgbench_tellers (tid int NOT NULL, bid int, tbalance int, filler char(84)) WITH (fillfactor = 100);
CREATE TABLE pgbench_accounts (aid int NOT NULL, bid int, abalance int, filler char(84)) WITH (fillfactor = 100);
CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));

INSERT INTO pgbench_branches (bid, bbalance) SELECT bid, 0 FROM generate_series(1, :scale) AS bid;
INSERT INTO pgbench_tellers (tid, bid, tbalance) SELECT tid, (tid - 1) / 10 + 1, 0 FROM generate_series(1, :scale * 10) AS tid;
INSERT INTO pgbench_accounts (aid, bid, abalance, filler)
  SELECT aid, (aid - 1) / 100000 + 1, 0, '' FROM generate_series(1, :scale * 100000) AS aid;

ALTER TABLE pgbench_branches ADD PRIMARY KEY (bid);
ALTER TABLE pgbench_tellers ADD PRIMARY KEY (tid);
ALTER TABLE pgbench_accounts ADD PRIMARY KEY (aid);

-- pgbench's transaction, `count` times, each committed.
CREATE PROCEDURE run_transactions(count int, seed int) LANGUAGE plpgsql AS $$
DECLARE
  accounts int := :scale * 100000;
  account int;
  teller int;
  branch int;
  amount int;
BEGIN
  PERFORM setseed(1.0 / (1 + seed));
  FOR n IN 1..count LOOP
    account := 1 + floor(random() * accounts);
    teller := 1 + floor(random() * :scale * 10);
    branch := 1 + floor(random() * :scale);
    amount := floor(random() * 10001) - 5000;
    UPDATE pgbench_accounts SET abalance = abalance + amount WHERE aid = account;
    UPDATE pgbench_tellers SET tbalance = tbalance + amount WHERE tid = teller;
    UPDATE pgbench_branches SET bbalance = bbalance + amount WHERE bid = branch;
    INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (teller, branch, account, amount, now());
    COMMIT;
  END LOOP;
END $$;

CALL run_transactions(greatest(100, :scale * 110), 0);

VACUUM ANALYZE;

-- Again, for the rows that ANALYZE has just written: whoever reads them first changes their page.
VACUUM;
