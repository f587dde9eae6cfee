#!/bin/sh
# sh deploy/container/build.sh TARGET: the program built in this checkout, as root on a Debian with Node, and put into TARGET with
# what it needs at run time. Dockerfile and cianna-otf.def run this in their first stage. Steps:
#   1. set-up     as for everybody: npm run setup
#   2. target     program, models and npm packages of run time; the checkout keeps its own
#   3. packages   TARGET/packages: the Debian packages whose libraries the binaries are linked with (install.sh wants them)
set -eu
target=$1
npm run setup

mkdir -p "$target/build"
cp -a bin dist models examples package.json package-lock.json LICENSE node_modules "$target"
cp -a build/Release "$target/build"
rm -rf "$target/dist/test" "$target/dist/bench"
(cd "$target" && npm prune --omit=dev --ignore-scripts --no-audit --no-fund)
cp -a deploy/container/install.sh "$target/install.sh"

# Debian 12 lists some files by their old place, /lib for /usr/lib.
find "$target/build/Release" -type f -exec ldd {} \; |
  awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u | xargs realpath | sed 'p; s,^/usr,,' | sort -u |
  xargs dpkg-query -S 2>/dev/null | cut -d: -f1 | sort -u >"$target/packages"
grep -q cfitsio "$target/packages" && grep -q expat "$target/packages" || { echo "build.sh: the libraries' packages were not found" >&2; exit 1; }
