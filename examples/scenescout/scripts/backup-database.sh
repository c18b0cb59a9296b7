#!/bin/bash
# A backup of the database at once; options go to `understudy backup`, e.g. --name "pre-migration-$(date +%Y%m%d)" --verify
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -z ${DATABASE_URL-} ]]; then
  set -a
  # shellcheck disable=SC1091
  . ./.env
  set +a
fi
read -ra understudy <<<"${UNDERSTUDY:-understudy}"
exec "${understudy[@]}" backup database dump "$@"
