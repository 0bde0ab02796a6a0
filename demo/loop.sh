#!/usr/bin/env bash
# The loop on real data, as a person would type it: history, first champion, then a new month as a pull request.
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

commit() { # MESSAGE: commit the new batches, and push their data
  type_ git add data
  type_ git -c user.name=demo -c user.email=demo@localhost commit --quiet --message "$1"
  type_ dvc push --quiet
}

require_ok() { # the newest run must have ended well
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
  commit "Add the flights up to $history"
  type_ git push --quiet forge HEAD:main
  require_ok
  type_ git pull --quiet --ff-only forge main
else
  say "2. History up to $history is already here"
fi

branch=$(git branch --show-current)
if [ -f "data/raw/$new.dvc" ]; then
  say "3. $new was already merged"
elif git show-ref --verify --quiet "refs/heads/add-$new"; then
  say "3. $new waits in its pull request: ratchet pr list, in $clone"
else
  say "3. A new month arrives: $new as a pull request, trained and reported before it is merged"
  type_ git switch --quiet --create "add-$new"
  type_ ratchet data pull --until "$new"
  commit "Add the flights of $new"
  type_ ratchet pr open --title "Add the flights of $new"
  number=$(ratchet pr list | awk -v head="add-$new" '$2 == head { print $1 }')

  say "4. What the pull request says"
  type_ ratchet pr show "$number"

  # The rows that judge decide: with other months than those named above, the answer may be no.
  say "5. Merged, if the gate says so: main finds the model in the cache, trains nothing, and promotes"
  type_ git switch --quiet "$branch"
  if type_ ratchet pr merge "$number"; then
    require_ok
    type_ git pull --quiet --ff-only forge main
  else
    say "Not merged: it is not shown that the new model is good enough. What serves, serves on."
  fi
fi

say "6. What serves, and why"
type_ ratchet history

say "7. Ask the champion"
python "$checkout/demo/ask.py"

report=$(find "$home/runs" -path "*-pull-request/*" -name report.html | sort | tail -n 1)
say "Where to look"
cat <<TEXT
  the report         $report
  the pull request   cd $clone && ratchet pr show 1
  runs and registry  make ui
  what served when   ratchet history          (in $checkout: source .venv/bin/activate)
  ask the champion   make serve               (it prints a curl that works)
  push August        cd $clone && ratchet data pull --until 2013-08 && git add data && git commit -m August && dvc push && git push forge HEAD:main
  a person must say yes to promotions     ratchet forge protect production
  start over         make clean-run
TEXT
