#!/usr/bin/env bash
# Remove what `make run` made: the folder beside the checkout, and what the checkout knows of it.
set -euo pipefail

checkout=$(git rev-parse --show-toplevel)
home="$checkout-forge"
if [ -d "$home" ] && [ ! -d "$home/origin.git" ]; then
  echo "$home is not a forge; it was left alone" >&2
  exit 2
fi
rm -rf "$home"
git remote remove forge 2>/dev/null || true
rm -f "$checkout/.ratchet/env" "$checkout/.dvc/config.local"
rm -rf "$checkout/.ratchet/serving"
echo "removed $home; make run starts over"
