#!/bin/sh
# Installs those Debian packages of debian-packages.txt that are missing; as root, or through sudo.
set -eu

missing=
for package in $(sed 's/#.*//' "$(dirname "$0")/debian-packages.txt"); do
  status=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo
$as_root apt-get update
# shellcheck disable=SC2086 # one word for each package
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
