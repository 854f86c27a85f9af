#!/bin/sh
# What the image does. One word says what for:
#
#   serve      the ledger. Needs DATABASE_URL and LEDGER_AUTH_TOKEN.
#   schema     bring the database's schema to what this image needs, and end. Needs DATABASE_URL.
#   database   make the role and the database that DATABASE_URL speaks of, and end. Needs DATABASE_URL, and
#              MASTER_SECRET: what RDS keeps in Secrets Manager, {"username": …, "password": …}.
#
# Each is a file of that name in $QLEDGER_SECRETS (/run/qledger), put there before this starts (load-secrets.sh). A value
# is taken as it is, whatever characters it has: nothing here evaluates one. A file that is missing or empty ends the
# start.
set -eu

secrets=${QLEDGER_SECRETS:-/run/qledger}
migrations=${QLEDGER_MIGRATIONS:-/srv/migrations}
program=${QLEDGER_PROGRAM:-/usr/local/bin/qledger}

die() {
    printf 'qledger: %s\n' "$*" >&2
    exit 1
}

# Leaves the content of a file in $value, its line ends too.
secret() {
    test -r "$secrets/$1" || die "cannot read $secrets/$1: the init container that loads the secrets has not put it there"
    value=$(cat "$secrets/$1" && printf x)
    value=${value%x}
    test -n "$value" || die "$secrets/$1 is empty"
}

# psql as a script needs it: no settings of a user, the first error is the end, and no prompt for a password.
sql() {
    psql --no-psqlrc --no-password --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 "$@"
}

serve() {
    secret DATABASE_URL
    export DATABASE_URL="$value"
    secret LEDGER_AUTH_TOKEN
    export LEDGER_AUTH_TOKEN="$value"
    unset value
    # In place of this shell, so that the signal that ends the pod arrives.
    exec "$program"
}

# The ledger migrates when it starts, and can do nothing else: it is started here alone, until it answers. Replicas that
# start together on an old schema would migrate together, and kill one another.
schema() {
    secret DATABASE_URL
    export DATABASE_URL="$value"
    unset value
    # It refuses to start without a token. Nobody learns this one.
    LEDGER_AUTH_TOKEN=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    export LEDGER_AUTH_TOKEN

    "$program" &
    ledger=$!
    # shellcheck disable=SC2064 # The number as it is now.
    trap "kill $ledger 2>/dev/null || true" EXIT
    trap 'exit 143' TERM INT
    waited=0
    until wget -q -T 2 -O /dev/null "http://127.0.0.1:${PORT:-7000}/ping" 2>/dev/null; do
        kill -0 "$ledger" 2>/dev/null || die "the ledger ended before its schema was there; its own words are above"
        waited=$((waited + 1))
        test "$waited" -lt "${QLEDGER_PATIENCE:-300}" || die "the ledger does not answer after $waited tries"
        sleep 1
    done

    # It answers too if somebody else held the lock of the migrations, and if they were cut off half way.
    needed=$(for file in "$migrations"/*.up.sql; do basename "$file"; done | sort | tail -n 1)
    needed=${needed%%_*}
    found=$(sql --dbname "$DATABASE_URL" --command "SELECT version || ' ' || dirty FROM schema_migrations")
    case $found in
        *' true') die "the schema is dirty at version ${found% *}: a migration was cut off. Look what of it was done, then set dirty = false in schema_migrations to the last version that was done wholly" ;;
        *' false') found=${found% *} ;;
        *) die "schema_migrations says nothing: was the ledger migrated by something else?" ;;
    esac
    test "$found" = "$needed" || die "the schema is at $found, and this image needs $needed: somebody else migrates. Try again"
    printf 'qledger: the schema is at %s\n' "$found"
}

# Only what needs no encoding in a URL is taken: then nothing has to be decoded, here or anywhere.
plain() {
    case $2 in
        '' | *[!A-Za-z0-9._~-]*) die "the $1 in DATABASE_URL is empty, or has other characters than A-Z a-z 0-9 . _ ~ -" ;;
    esac
}

database() {
    secret DATABASE_URL
    url=$value
    rest=${url#*://}
    login=${rest%%@*}
    place=${rest#*@}
    role=${login%%:*}
    password=${login#*:}
    server=${place%%/*}
    name=${place#*/}
    options=
    case $name in *\?*) options=${name#*\?} ;; esac
    name=${name%%\?*}
    case $url in
        postgres://*:*@*/* | postgresql://*:*@*/*) ;;
        *) die 'DATABASE_URL is not like postgres://ROLE:PASSWORD@HOST:PORT/DATABASE' ;;
    esac
    plain role "$role"
    plain password "$password"
    plain 'database name' "$name"

    secret MASTER_SECRET
    # To where the ledger connects, with the same TLS, as the master.
    PGUSER=$(printf '%s' "$value" | jq --exit-status --raw-output .username) || die 'MASTER_SECRET has no username'
    PGPASSWORD=$(printf '%s' "$value" | jq --exit-status --raw-output .password) || die 'MASTER_SECRET has no password'
    export PGUSER PGPASSWORD
    unset value
    master="postgres://$server/postgres${options:+?$options}"

    export LEDGER_ROLE="$role" LEDGER_DATABASE="$name"
    sql --dbname "$master" <<'SQL'
\getenv role LEDGER_ROLE
\getenv database LEDGER_DATABASE
SET client_min_messages = warning;
SELECT format('CREATE ROLE %I LOGIN', :'role')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
-- The master of RDS is no superuser: it can give a database only to a role that it may become. Having made the role is
-- not enough for that since PostgreSQL 16, and saying it twice is only a notice.
SELECT format('GRANT %I TO CURRENT_USER', :'role') \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'role')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
SELECT format('ALTER DATABASE %I OWNER TO %I', :'database', :'role')
    WHERE (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = :'database') <> :'role' \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'database') \gexec
SQL
    # psql sends the server a verifier, so that no log of statements ever has the password.
    said=$(printf '%s\n%s\n' "$password" "$password" \
        | sql --dbname "$master" --command "\\password \"$role\"" 2>&1) \
        || die "cannot set the password of $role: $said"

    # What was made is tried as the ledger will use it.
    unset PGUSER PGPASSWORD
    may=$(sql --dbname "$url" --command "SELECT has_schema_privilege('public', 'CREATE')")
    test "$may" = t || die "$role may not make tables in the schema public of $name: who owns the database?"
    printf 'qledger: the role %s and its database %s are there\n' "$role" "$name"
}

case ${1:-serve} in
    serve | schema | database) "${1:-serve}" ;;
    *)
        printf 'qledger: %s is not one of serve, schema, database\n' "$1" >&2
        exit 64
        ;;
esac
