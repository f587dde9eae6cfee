#!/bin/sh
# try.sh PROGRAM: run by package-test.mjs in a root that has nothing of ours: what a new user does with the one file, without any
# environment. Writes a line per step; fails with the first that does.
set -eu
program=$1
mkdir -p /tmp/try && cd /tmp/try
bare() { env -i "$program" "$@"; }
fail() { echo "try: $*" >&2; exit 1; }

for name in node npm; do ! command -v $name >/dev/null || fail "there is a $name here"; done
! ls /usr/lib/x86_64-linux-gnu/libcfitsio* /usr/lib/x86_64-linux-gnu/libdnnl* >/dev/null 2>&1 || fail 'there are libraries of ours here'

bare --version
for round in 1 2 3 4 5; do
  begun=$(date +%s%N)
  bare --version >/dev/null
  echo "start, unpacked: $((($(date +%s%N) - begun) / 1000000)) ms"
done
bare engines
bare demo >demo.txt || fail 'demo'
grep 'sources above 5 sigma were found' demo.txt
[ -s cianna-otf-demo/catalogue.vot ] && [ -s cianna-otf-demo/sources.png ] || fail 'demo left no results'

# Not through the function: it is the program itself that is ended.
env -i "$program" serve --port 0 --data-dir data >serve.txt 2>&1 &
server=$!
url=
second=0
# A busy machine takes its time.
while [ -z "$url" ] && [ "$second" -lt 300 ] && kill -0 "$server"; do
  sleep 1
  second=$((second + 1))
  url=$(grep -o 'http://127\.0\.0\.1:[0-9]*' serve.txt | head -n 1) || true
done
[ -n "$url" ] || { cat serve.txt; fail 'the server does not listen'; }
example=$(ls -d /root/.cache/cianna-otf/program/*/examples)/simulated-field-1024.fits
bare submit "$example" --server "$url" --wait --format csv -o results || { cat serve.txt; fail 'submit'; }
bare detect "$example" --format csv -o detect.csv
cmp results/simulated-field-1024.csv detect.csv || fail 'the server gave another catalogue than detect'
echo "submit: $(wc -l <detect.csv) lines, those of detect"
bare jobs --server "$url"
kill -TERM $server
wait $server || fail "the server ended with $?"
