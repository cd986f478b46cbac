#!/usr/bin/env bash
# What must hold of the text of the tree: include direction, formatting, no words of unfinished work.
#   tools/check.sh          all of it
#   tools/check.sh --tidy   clang-tidy on the C++ files changed since main's parent as well (needs build/dev)
set -uo pipefail
cd "$(dirname "$0")/.."
status=0
python3 tools/check_layers.py || status=1
if command -v clang-format-16 >/dev/null; then
  mapfile -t files < <(git ls-files 'src/*.h' 'src/*.cc' 'tests/*.cc' 'tests/*.h' 'bench/*.cc' 'fuzz/*.cc')
  if [ ${#files[@]} -gt 0 ]; then
    if clang-format-16 --dry-run -Werror "${files[@]}" 2>/tmp/keyhaven-format.$$; then
      echo "format: ok (${#files[@]} files)"
    else
      grep -oE '^[^:]+:[0-9]+' /tmp/keyhaven-format.$$ | sort -u -t: -k1,1 | head -20
      echo "format: run clang-format-16 -i on the files above"; status=1
    fi
    rm -f /tmp/keyhaven-format.$$
  fi
else
  echo "format: skipped, clang-format-16 is not installed"
fi
if git grep -nE '\b(TO''DO|FIX''ME|XX''X)\b' -- src tests tools bench fuzz web ':!tests/vectors/data' | head -5 | grep .; then
  echo "words: unfinished work above"; status=1
fi
if [ "${1:-}" = "--tidy" ]; then
  mapfile -t changed < <(git diff --name-only --diff-filter=AM 'HEAD~1' -- 'src/*.cc' 'tests/*.cc')
  [ ${#changed[@]} -eq 0 ] || clang-tidy-16 -p build/dev --quiet "${changed[@]}" || status=1
fi
exit $status
