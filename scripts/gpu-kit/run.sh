#!/bin/bash
# The GPU kit: what the engines of cianna-otf give and cost on this machine, against what its GPU can do. Needs a driver, bash
# and the C library; nothing is installed and nothing is written but the two results.
#
#   ./run.sh [-o FOLDER] [-s SECONDS] [-m MODEL] [-b ROUNDS] [STEP...]
#
#   -o  where gpu-kit.txt (for people) and gpu-kit.json (a list of flat records) go; the kit's own folder
#   -s  all of it ends within this; 330
#   -m  the network that is timed: sdc1, demo, or a network file
#   -b  batches, a round at a time: "8,64 16,32 1,128,256"
#   STEP  of: limits conformance bench; all
#
# Steps are independent: each has a limit of its own, what one writes stays when the next fails, and what there is no time for
# is named. Exit 0: all was measured and every network was right.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$here seconds=330 model=sdc1 rounds="8,64 16,32 1,128,256"
while getopts o:s:m:b: option; do
  case $option in
  o) out=$OPTARG ;;
  s) seconds=$OPTARG ;;
  m) model=$OPTARG ;;
  b) rounds=$OPTARG ;;
  *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
steps=${*:-limits conformance bench}
for name in $steps; do
  case $name in
  limits | conformance | bench) ;;
  *)
    echo "run.sh: no step '$name': limits, conformance, bench" >&2
    exit 2
    ;;
  esac
done
deadline=$(($(date +%s) + seconds))
mkdir -p "$out" || exit 1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
records=$scratch/records
: >"$records"

# One flat record; values are numbers, or text in which nothing needs escaping but quotes, backslashes and control characters.
text() { printf '%s' "$1" | tr '\000-\037' ' ' | sed 's/[\\"]/\\&/g'; }

# The list is whole after every step.
publish() {
  { echo '['; sed '$!s/$/,/' "$records"; echo ']'; } >"$scratch/json" && mv "$scratch/json" "$out/gpu-kit.json"
}

# step WHAT LIMIT RECORDS PROGRAM...: what it says is shown; how it failed is a record.
step() {
  local what=$1 limit=$2 into=$3 left status
  shift 3
  left=$((deadline - $(date +%s)))
  if ((left < 3)); then
    echo "$what: left out, no time is left"
    echo "{\"step\":\"left out\",\"what\":\"$(text "$what")\"}" >>"$into"
    return 1
  fi
  ((limit > left)) && limit=$left
  local said=$into.said.$BASHPID
  timeout -k 3 "$limit" "$@" --json "$into" 2>&1 | tee "$said"
  status=${PIPESTATUS[0]}
  if ((status != 0)); then
    local reason
    reason=$(tail -n 1 "$said")
    ((status == 124 || status == 137)) && reason="stopped after $limit s" && echo "$what: $reason"
    echo "{\"step\":\"failed\",\"what\":\"$(text "$what")\",\"status\":$status,\"reason\":\"$(text "$reason")\"}" >>"$into"
  fi
  return "$status"
}

unpack() {
  mkdir -p "$scratch/kit" && tar xzf "$here/programs.tar.gz" -C "$scratch/kit" || exit 1
  bin=$scratch/kit/bin libraries=$scratch/kit/lib
  [ -d /usr/local/nvidia/lib64 ] && libraries=$libraries:/usr/local/nvidia/lib64
  local wanted folder found
  while read -r wanted; do
    found=
    while read -r folder; do
      [ -n "$folder" ] && [ -e "$folder/$wanted" ] && found=$folder && break
    done < <(
      tr ':' '\n' <<<"$LD_LIBRARY_PATH"
      ldconfig -p 2>/dev/null | sed -n "s#.*$wanted.* => \(.*\)/$wanted#\1#p"
      ls -d /usr/local/cuda*/lib64 /usr/local/cuda*/lib 2>/dev/null
      for python in python3 python; do
        "$python" -c 'import sys; print("\n".join(sys.path))' 2>/dev/null
      done | while read -r folder; do ls -d "$folder"/nvidia/*/lib 2>/dev/null; done
    )
    if [ -n "$found" ]; then
      case :$libraries: in *":$found:"*) ;; *) libraries=$libraries:$found ;; esac
    else
      echo "this machine has no $wanted (looked in LD_LIBRARY_PATH, ldconfig, /usr/local/cuda*, Python's packages)"
    fi
  done <"$here/needs.txt"
  # The C++ run time of the machine is newer than the kit's, or missing.
  ldconfig -p 2>/dev/null | grep -q 'libstdc++\.so\.6' || libraries=$libraries:$scratch/kit/spare
  export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}

conformance() {
  local engine types type running=0 most=$((($(nproc) + 1) / 2)) wrong=0
  local jobs=()
  while read -r engine types; do
    for type in $types; do
      while ((running >= most)); do
        wait -n
        running=$((running - 1))
      done
      local own=$scratch/conformance.${engine//[^a-z0-9]/-}.$type
      : >"$own"
      (step "conformance $engine $type" 120 "$own" "$bin/otf-kit" conformance --engine "$engine" \
        --quantization "$type" --networks "$here/networks" >"$own.text" 2>&1 || : >"$own.failed") &
      jobs+=("$own")
      running=$((running + 1))
    done
  done <"$scratch/engines"
  wait
  for own in "${jobs[@]}"; do
    cat "$own.text"
    cat "$own" >>"$records"
    [ -e "$own.failed" ] && wrong=1
  done
  return $wrong
}

bench() {
  local failed=0 round engine types type
  for round in $rounds; do
    while read -r engine types; do
      # reference is there to be compared with; the CPU's engine is timed once, below.
      [ "$engine" = reference ] || [ "$engine" = onednn ] && continue
      for type in $types; do
        step "bench $engine $type $round" 60 "$records" "$bin/otf-kit" bench --engine "$engine" \
          --quantization "$type" --model "$model" --batches "$round" || failed=1
        publish
      done
    done <"$scratch/engines"
  done
  while read -r engine types; do
    [ "$engine" = onednn ] || continue
    for type in $types; do
      step "bench $engine $type" 30 "$records" "$bin/otf-kit" bench --engine "$engine" --quantization "$type" \
        --model "$model" --batches 8 || failed=1
      publish
    done
  done <"$scratch/engines"
  return $failed
}

main() {
  local failed=0 name
  cat "$here/about.json" >>"$records"
  echo "$(sed 's/[{}"]//g; s/,/, /g' "$here/about.json")"
  date -u +"%Y-%m-%d %H:%M UTC on $(uname -sr), $(nproc) CPUs,$(sed -n 's/^model name[^:]*://p' /proc/cpuinfo | head -n 1)"
  echo "{\"step\":\"machine\",\"date\":\"$(date -u +%FT%TZ)\",\"kernel\":\"$(text "$(uname -sr)")\",\"cpus\":$(nproc),\"cpu\":\"$(
    text "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
  )\"}" >>"$records"
  nvidia-smi 2>/dev/null
  unpack
  step device 20 "$records" "$bin/otf-kit" device || failed=1
  step engines 60 "$records" "$bin/otf-kit" engines || failed=1
  timeout -k 3 60 "$bin/otf-kit" engines --names yes >"$scratch/engines"
  publish
  for name in $steps; do
    echo
    case $name in
    limits)
      if [ -e "$bin/otf-gpu-limits" ]; then
        step limits 60 "$records" "$bin/otf-gpu-limits" --model "$model" || failed=1
      else
        echo "limits: this kit was built without CUDA and cuBLAS"
        echo '{"step":"left out","what":"limits: this kit was built without CUDA and cuBLAS"}' >>"$records"
      fi
      ;;
    *) "$name" || failed=1 ;;
    esac
    publish
  done
  echo
  echo "$((deadline - $(date +%s))) s of $seconds were left; all of it in $out/gpu-kit.json"
  return $failed
}

main 2>&1 | tee "$out/gpu-kit.txt"
exit "${PIPESTATUS[0]}"
