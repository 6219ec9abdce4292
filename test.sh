#!/usr/bin/env bash
# Builds once and runs the tests.
#   ./test.sh            unit, integration, whole-platform and browser tests
#   ./test.sh --faults   kills and freezes processes and servers under load, cuts the power of a simulated disk (35 minutes)
#   ./test.sh --bench    performance over whole data sets
#   ./test.sh NAME …     only test projects whose name contains one of the words
# Every test project is a program of its own; it is started directly, with a time limit. The last line is
# "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")"

suite=default
words=()
for argument in "$@"; do
  case $argument in
    --faults) suite=faults ;;
    --bench) suite=bench ;;
    -h|--help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "test.sh: unknown option $argument (try --help)" >&2; exit 2 ;;
    *) words+=("$argument") ;;
  esac
done
case $suite in
  default) filter=(-trait- Category=Fault -trait- Category=Bench); limit=${TEST_TIMEOUT:-1500} ;;
  faults) filter=(-trait Category=Fault); limit=${TEST_TIMEOUT:-4200} ;;
  bench) filter=(-trait Category=Bench); limit=${TEST_TIMEOUT:-1800} ;;
esac

command -v dotnet >/dev/null || { echo "test.sh: the .NET 10 SDK is missing: https://dotnet.microsoft.com/download" >&2; exit 1; }
export UseSharedCompilation=true DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
# Traffic of the tests stays on this machine, whatever proxy is configured.
export NO_PROXY="127.0.0.1,localhost${NO_PROXY:+,$NO_PROXY}" no_proxy="127.0.0.1,localhost${no_proxy:+,$no_proxy}"

echo "building"
build_log=$(mktemp)
trap 'rm -f "$build_log"' EXIT
if ! dotnet build Dapr.sln --verbosity quiet -clp:NoSummary > "$build_log" 2>&1; then
  grep -E '(error|warning) ' "$build_log" | sed 's/ \[.*//' | sort -u | head -40
  echo "the build failed" >&2
  exit 1
fi

results=artifacts/test-results/$suite
rm -rf "$results"
mkdir -p "$results"

wanted() {
  [ ${#words[@]} -eq 0 ] && return 0
  local word
  for word in "${words[@]}"; do [[ $1 == *"$word"* ]] && return 0; done
  return 1
}

# Runs one project and leaves its report and its counts ("passed failed skipped name-if-it-did-not-finish") beside its results.
run_project() {
  local name=$1 xml=$results/$1.xml log=$results/$1.log started=$SECONDS code=0
  timeout --kill-after=20 "$limit" dotnet "artifacts/bin/$name/debug/$name.dll" "${filter[@]}" -noColor -noLogo -xml "$xml" > "$log" 2>&1 || code=$?
  local counts='' p=0 f=0 s=0 broken=''
  [ -s "$xml" ] && counts=$(grep -o '<assembly [^>]*>' "$xml" | head -1)
  if [ -n "$counts" ]; then
    p=$(sed -n 's/.* passed="\([0-9]*\)".*/\1/p' <<<"$counts")
    f=$(sed -n 's/.* failed="\([0-9]*\)".*/\1/p' <<<"$counts")
    s=$(sed -n 's/.* skipped="\([0-9]*\)".*/\1/p' <<<"$counts")
  fi
  {
    printf '%-38s %4d passed %3d failed %3d skipped  %3d s\n' "$name" "$p" "$f" "$s" $((SECONDS - started))
    grep -A1 '\[SKIP\]' "$log" | grep -v '^--' | sed 's/^ */    /' || true
    if [ "$f" -gt 0 ] || [ "$code" -ne 0 ] || [ -z "$counts" ]; then
      [ "$f" -gt 0 ] || { broken=$name f=1; echo "    ended with code $code (124 means: over $limit s)"; }
      grep -A14 '\[FAIL\]' "$log" | head -80 | sed 's/^/    /' || true
      [ -z "$broken" ] || tail -15 "$log" | sed 's/^/    /'
    fi
  } > "$results/$name.report"
  echo "$p $f $s $broken" > "$results/$name.counts"
  cat "$results/$name.report"
}

# The quick ones first, two at a time since most of them wait for something; those that start the whole platform last and alone.
projects=$(git ls-files -- 'tests/*.Tests.csproj' | sed 's#.*/\(.*\)\.csproj#\1#' | sort)
big='^(Platform|Web|Launcher)\.Tests$'
for name in $(grep -v -E "$big" <<<"$projects"); do
  wanted "$name" || continue
  [ "$(jobs -rp | wc -l)" -lt 2 ] || wait -n
  run_project "$name" &
done
wait
for name in $(grep -E "$big" <<<"$projects"); do
  if wanted "$name"; then run_project "$name"; fi
done

passed=0 failed=0 skipped=0 unfinished=()
for counts in "$results"/*.counts; do
  [ -e "$counts" ] || continue
  read -r p f s broken < "$counts"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  [ -z "$broken" ] || unfinished+=("$broken")
done

echo "took $SECONDS s"
[ ${#unfinished[@]} -eq 0 ] || echo "did not finish: ${unfinished[*]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
