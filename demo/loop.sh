#!/usr/bin/env bash
# The loop on real data, as a person would type it: history, first champion, then a new month pushed as data.
# Everything lands in a folder beside the checkout; the checkout itself only learns where that is.
set -euo pipefail

history=${HISTORY:-2013-06}
new=${NEW:-2013-07}
checkout=$(git rev-parse --show-toplevel)
home="$checkout-forge"
clone="$home/demo"

bold= blue= plain=
if [ -t 1 ]; then bold=$(printf '\033[1m') blue=$(printf '\033[36m') plain=$(printf '\033[0m'); fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
type_() { printf '%s$ %s%s\n' "$blue" "$*" "$plain"; "$@"; }

push() { # MESSAGE: commit the new batches and push; the forge runs the workflows and streams them back
  type_ git add data
  type_ git -c user.name=demo -c user.email=demo@localhost commit --quiet --message "$1"
  type_ dvc push --quiet
  type_ git push --quiet forge HEAD:main
  type_ git pull --quiet --ff-only forge main
  ratchet forge runs "$home" | tail -n 1 | grep -q '  ok  ' || {
    say "The run failed: its log is above and in $home/runs/. Once mended: make clean-run, make run."
    exit 1
  }
}

if [ ! -d "$clone" ]; then
  say "1. A git remote beside the checkout that runs the workflows: $home"
  [ -z "$(git status --porcelain --untracked-files=no)" ] || echo "(what is not committed in $checkout does not take part)"
  mkdir -p "$home"
  git clone --quiet "$checkout" "$clone"
  (cd "$clone" && PYTHONPATH="$clone/src" type_ ratchet forge init "$home")
fi
ratchet forge init "$home" >/dev/null
cd "$clone"
export PYTHONPATH="$clone/src"

if [ ! -f "data/raw/$history.dvc" ]; then
  say "2. History: the flights up to $history, and the first champion"
  type_ ratchet data pull --until "$history"
  push "Add the flights up to $history"
else
  say "2. History up to $history is already here"
fi

if [ ! -f "data/raw/$new.dvc" ]; then
  say "3. A new month arrives: $new is pushed as data"
  type_ ratchet data pull --until "$new"
  push "Add the flights of $new"
else
  say "3. $new was already pushed"
fi

say "4. What serves, and why"
type_ ratchet history

say "5. Ask the champion"
python "$checkout/demo/ask.py"

report=$(find "$home/runs" -name report.html | sort | tail -n 1)
say "Where to look"
cat <<TEXT
  the report         $report
                     ${report%.html}.md
  runs and registry  make ui
  what served when   ratchet history          (in $checkout: source .venv/bin/activate)
  ask the champion   make serve               (it prints a curl that works)
  push August        cd $clone && ratchet data pull --until 2013-08 && git add data && git commit -m August && dvc push && git push forge HEAD:main
  start over         make clean-run
TEXT
