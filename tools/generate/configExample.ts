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
  keepDaily: 30
  keepWeekly: 12
  keepMonthly: 12
  keepYearly: 7
  keepTags: [critical]
  recoveryWindow: 14d
`;
