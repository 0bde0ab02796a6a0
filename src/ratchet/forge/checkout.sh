# What the stand-in for actions/checkout runs. From the action: IN_REPOSITORY, IN_REF, IN_PATH, IN_DEPTH, IN_TAGS,
# IN_CLEAN. From the forge: RATCHET_FORGE_ORIGIN, the bare repository. From act: GITHUB_WORKSPACE, GITHUB_REPOSITORY,
# GITHUB_REF, GITHUB_SHA, GITHUB_OUTPUT.
set -euo pipefail

refuse() {
  echo "::error::$1"
  exit 1
}

if [ "$IN_REPOSITORY" != "$GITHUB_REPOSITORY" ]; then
  refuse "$IN_REPOSITORY cannot be reached from here; this forge has $GITHUB_REPOSITORY alone"
fi
case "$IN_DEPTH" in
  '' | *[!0-9]*) refuse "fetch-depth is a number of commits, not $IN_DEPTH" ;;
esac
case "/$IN_PATH/" in
  */../*) refuse "path $IN_PATH is not below the workspace" ;;
esac

mkdir -p "$GITHUB_WORKSPACE/$IN_PATH"
cd "$GITHUB_WORKSPACE/$IN_PATH"
[ -d .git ] || git init --quiet --initial-branch=main .
git config gc.auto 0
git remote get-url origin > /dev/null 2>&1 || git remote add origin "file://$RATCHET_FORGE_ORIGIN"

# A pull request's head and base are commits that no branch may have any more: any commit can be asked for.
want=${IN_REF:-$GITHUB_SHA}
tags=--no-tags
[ "$IN_TAGS" != true ] || tags=--tags
depth=(--depth="$IN_DEPTH" "$tags")
if [ "$IN_DEPTH" = 0 ]; then
  depth=()
  if [ -f .git/shallow ]; then depth=(--unshallow); fi
  git fetch --quiet "${depth[@]}" --prune --tags origin '+refs/heads/*:refs/remotes/origin/*'
  depth=()
fi
git fetch --quiet "${depth[@]}" origin "$want"
commit=$(git rev-parse 'FETCH_HEAD^{commit}')

# A branch is checked out as a branch, so that the job can commit to it and push it; anything else is detached.
ref=${IN_REF:-$GITHUB_REF}
branch=
case "$ref" in
  refs/heads/*) branch=${ref#refs/heads/} ;;
  refs/*) ;;
  *) if git ls-remote --exit-code --heads origin "refs/heads/$ref" > /dev/null; then branch=$ref; fi ;;
esac
if [ -n "$branch" ]; then
  git update-ref "refs/remotes/origin/$branch" "$commit"
  git checkout --quiet --force -B "$branch" "refs/remotes/origin/$branch"
else
  git checkout --quiet --force --detach "$commit"
fi
if [ "$IN_CLEAN" = true ]; then
  git clean -ffdxq
fi
{ echo "commit=$commit"; echo "ref=$ref"; } >> "$GITHUB_OUTPUT"
