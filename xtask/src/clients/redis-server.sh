#!/bin/sh
# Stands where Redis's suite looks for the program `redis-server`: reads the same file of settings, and starts $KV serve.
settings=$1
shift
while read -r name value; do
    case $name in
    port) port=$value ;;
    maxclients) set -- "$@" --max-connections "$value" ;;
    requirepass)
        (umask 077 && printf '%s' "$value" >"$settings.password")
        set -- "$@" --password-file "$settings.password"
        ;;
    esac
done <"$settings"
# The suite waits for these lines, then for an answer.
echo "$$: PID: $$"
echo "$$: Ready to accept connections"
exec "$KV" serve --memory --resp-listen "127.0.0.1:$port" "$@"
