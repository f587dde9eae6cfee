#!/bin/sh
# The Debian packages the program beside this file is linked with, and a look whether it runs. As root, on the Debian it was
# built on (build.sh), with Node.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
apt-get update
# shellcheck disable=SC2046
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates $(cat "$here/packages")
rm -rf /var/lib/apt/lists/*
ln -sf "$here/bin/cianna-otf.js" /usr/local/bin/cianna-otf
cianna-otf engines
