#!/bin/sh
# Installs those Debian packages of debian-packages.txt that are missing; as root, or through sudo.
# With the argument `web` those of debian-packages-web.txt.
set -eu

case ${1-} in
  '') list=debian-packages.txt ;;
  web) list=debian-packages-web.txt ;;
  *) echo "install-packages.sh: \"$1\" is no list of packages; write web, or nothing" >&2 && exit 2 ;;
esac

missing=
for package in $(sed 's/#.*//' "$(dirname "$0")/$list"); do
  status=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] && continue
  # Other packages of nodejs than Debian's bring npm, and do not go with Debian's.
  [ "$package" = npm ] && command -v npm > /dev/null && continue
  missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo
$as_root apt-get update
# shellcheck disable=SC2086 # one word for each package
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
