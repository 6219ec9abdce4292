#!/bin/sh
# Scans a photo with curl: sign in as a guest, upload, submit, follow the events, print the result.
# usage: samples/scan.sh PHOTO [QUESTION]     (GATEWAY=http://localhost:8080)      Needs curl 7.76 or newer.
# For pictures in a folder: an upload to a bucket needs more than this (docs/images.md).
set -eu
photo=${1:?usage: samples/scan.sh PHOTO [QUESTION]}
question=${2:-}
gateway=${GATEWAY:-http://localhost:8080}
case $photo in
  *.png|*.PNG) type=image/png ;;
  *) type=image/jpeg ;;
esac
[ -r "$photo" ] || { echo "cannot read $photo" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
get() { curl --noproxy '*' -sS --fail-with-body "$@"; }
# Prints the answer; a refusal goes to standard error.
call() {
  : > "$work/answer"
  get -o "$work/answer" "$@" || { cat "$work/answer" >&2; return 1; }
  cat "$work/answer"
}
# The answers are flat enough to pick a value without a JSON tool; grep fails when there is none.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" | grep .; }

token=$(call -X POST "$gateway/api/v1/auth/guest" | field access_token)
authorized() { call -H "Authorization: Bearer $token" "$@"; }
json() { authorized -H 'Content-Type: application/json' "$@"; }

key=$(json "$gateway/api/v1/images/scan" -d "{\"filename\":\"photo.${type#image/}\",\"content_type\":\"$type\"}" | field key)
authorized -X PUT -T "$photo" -H "Content-Type: $type" -H 'Expect:' -D "$work/headers" "$gateway/api/v1/images/upload/$key"
etag=$(tr -d '\r"' < "$work/headers" | sed -n 's/^[Ee][Tt][Aa][Gg]: //p')
image=$(json "$gateway/api/v1/images/scan/callback" -d "{\"key\":\"$key\",\"etag\":\"$etag\"}" | field cdn_url)

escaped=$(printf '%s' "$question" | sed 's/\\/\\\\/g; s/"/\\"/g')
job=$(json "$gateway/api/v1/scan" -d "{\"image_url\":\"$image\"${question:+,\"user_input\":\"$escaped\"}}" | field job_id)
echo "job $job"

# The stream ends by itself after stage done.
get -N -H "Authorization: Bearer $token" -H 'Accept: text/event-stream' "$gateway/api/v1/scan/$job/events" | while IFS= read -r line; do
  case $line in
    'event: '*) stage=${line#event: } ;;
    'data: '*'"seq"'*) printf '%-8s %s\n' "$stage" "$(printf '%s' "$line" | sed -n 's/.*"status":"\([a-z]*\)","stage_seq.*/\1/p')" ;;
  esac
done

echo
authorized "$gateway/api/v1/scan/$job/result"
echo
