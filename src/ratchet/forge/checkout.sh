# What the stand-in for actions/checkout runs. From the action: IN_REF, IN_PATH, IN_DEPTH. From the forge:
# RATCHET_FORGE_ORIGIN, the bare repository. From act: GITHUB_WORKSPACE, GITHUB_REF, GITHUB_SHA, GITHUB_OUTPUT.
set -euo pipefail

mkdir -p "$GITHUB_WORKSPACE/$IN_PATH"
cd "$GITHUB_WORKSPACE/$IN_PATH"
[ -d .git ] || git init --quiet --initial-branch=main .
git config gc.auto 0
git remote get-url origin > /dev/null 2>&1 || git remote add origin "file://$RATCHET_FORGE_ORIGIN"

want=${IN_REF:-$GITHUB_SHA}
depth=()
if [ "$IN_DEPTH" = 0 ]; then
  git fetch --quiet --prune --tags origin '+refs/heads/*:refs/remotes/origin/*'
else
  depth=(--depth="$IN_DEPTH" --no-tags)
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
git clean -ffdxq
{ echo "commit=$commit"; echo "ref=$ref"; } >> "$GITHUB_OUTPUT"
