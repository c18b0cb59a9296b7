#!/bin/bash
# Runs a command in the application's directory with the variables of .env, for cron: with-env.sh understudy status
set -euo pipefail
cd "$(dirname "$0")/.."
set -a
# shellcheck disable=SC1091
. ./.env
set +a
exec "$@"
