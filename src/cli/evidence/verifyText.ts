/** VERIFY.md of an export. The commands are run by a test. */
export const verifyText = `# How to check this evidence

What is here:

- \`index.csv\`: every report of the span, and every month in which no drill was held (\`MISSED\`).
- \`<run>.json\`: a report, byte for byte as it was made. \`unknown\` in it says why a field is null.
- \`<run>.html\`: the same to read and print, with reviews and findings that were added later.
- \`<run>.dsse.json\`: its signature: a DSSE envelope around an in-toto Statement (predicate test-result v0.1).
- \`<run>.said.json\`: reviews and findings that were added later, each with the SHA-256 of the report it is about.
- \`SHA256SUMS\`: digests of all of these.
- \`key-1.pub\`: the public key, for convenience. Compare it with one that you were given in another way: its id is
  \`integrity.signingKeyId\` of the reports, and is printed by
  \`openssl pkey -pubin -in key-1.pub -outform DER | sha256sum\`.

No program of the vendor is needed: \`sha256sum\`, \`sed\`, \`base64\` and \`openssl\` (3.0 or newer) check everything.

## That nothing was changed since it was exported

\`\`\`sh
sha256sum -c SHA256SUMS
\`\`\`

## That nothing was changed since it was signed

\`\`\`sh
work=$(mktemp -d)
for report in *.json; do
  case "$report" in *.dsse.json | *.said.json) continue ;; esac
  envelope="\${report%.json}.dsse.json"
  if [ ! -e "$envelope" ]; then
    grep -q '"signingKeyId": null' "$report" || { echo "the signature of $report was taken away"; exit 1; }
    echo "$report is not signed: is its SHA-256 named by one that is?"
    continue
  fi
  sed -n 's/.*"payload":"\\([^"]*\\)".*/\\1/p' "$envelope" | base64 -d > "$work/payload"
  sed -n 's/.*"sig":"\\([^"]*\\)".*/\\1/p' "$envelope" | base64 -d > "$work/signature"
  printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c < "$work/payload")" > "$work/signed"
  cat "$work/payload" >> "$work/signed"
  genuine=no
  for key in key-*.pub; do
    openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$work/signed" -sigfile "$work/signature" && genuine=yes
  done
  [ "$genuine" = yes ] || { echo "the signature of $report is by none of the keys"; exit 1; }
  digest=$(sha256sum "$report" | cut -d ' ' -f 1)
  subject="\\"name\\":\\"$report\\",\\"digest\\":{\\"sha256\\":\\"$digest\\""
  grep -qF "$subject" "$work/payload" || { echo "$report was changed"; exit 1; }
  echo "$report is what was signed"
done
rm -r "$work"
\`\`\`

## That none is missing in between

Each report names, as \`integrity.previous\`, every report that none before it names, with its SHA-256: mostly one.

\`\`\`sh
grep -A 4 '"previous": \\[' ./*.json | grep -E '"(id|sha256)"' || echo 'no report names one before it'
\`\`\`

A report whose predecessor is older than the span of this export names one that is not here. That the newest reports
are here, no chain can prove: ask for the digest of the newest when a review is held, and compare it the next time.
`;
