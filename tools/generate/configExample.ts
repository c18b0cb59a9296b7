/** The example of the reference page; a test loads it. */
export const configExample = `repository:
  location: /srv/understudy
  passwordFile: /etc/understudy/password

sources:
  main:
    kind: postgres
    tier: gold
    connection:
      host: /var/run/postgresql
      user: postgres
    wal:
      receive:
        slot: understudy

tiers:
  gold:
    rpo: 1m
    rto: 30m

retention:
  keepDaily: 14
  keepWeekly: 8
  keepMonthly: 12
  keepTags: [keep]
`;
