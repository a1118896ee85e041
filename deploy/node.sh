# shellcheck shell=bash
# What deploy/test-node and deploy/test-device-plugin share: a real node and its end, podlight applied to it and taken off again,
# and what its light says. Sourced in the folder above this one, with FOLDER of the images or without. Sets images; work, a folder
# for whatever the test writes; and run, the folder of ../shared/kubernetes.
images=${1:-}
if [ -z "$images" ]; then
  deploy/build linux/amd64
  images=${CARGO_TARGET_DIR:-target}/images/amd64
fi
kubernetes=$(readlink -m ../shared/kubernetes)
work=$(mktemp -d /tmp/podlight-node.XXXX) run=$work/run
end() {
  local rc=$?
  trap - EXIT
  [ $rc = 0 ] || show || true
  # shellcheck disable=SC2046 # a word for each
  kill $(jobs -p) 2>/dev/null || true
  if [ -d "$kubernetes" ]; then "$kubernetes/down" --dir "$run" 2>/dev/null || true; else uninstall >/dev/null 2>&1 || true; fi
  rm -rf "$work"
  exit $rc
}
trap end EXIT

up() { # a node of ../shared/kubernetes
  local settings
  settings=$("$kubernetes/up" --node --dir "$run" 2>"$work/up.log") || { cat "$work/up.log"; exit 1; }
  eval "$settings"
}
on_node() { "$kubernetes/enter" --node --dir "$run" "$@"; }
in_network() { "$kubernetes/enter" --dir "$run" "$@"; }
load() { # FOLDER of images
  local tar
  for tar in "$1"/{watcher,lightd}.tar; do on_node ctr -n k8s.io images import - <"$tar" >/dev/null; done
}

say() { printf '%4d s  %s\n' "$SECONDS" "$*"; }
die() { say "FAILED: $*"; exit 1; }
show() {
  local space
  tail -n 30 "$work"/frames-* 2>/dev/null
  kubectl get pods -A -o wide
  kubectl get events -A --sort-by=.lastTimestamp | tail -n 20
  for space in podlight-device-plugin podlight; do
    kubectl -n $space logs --prefix --tail=20 -l app.kubernetes.io/name=podlight
  done
  light
}
until_true() { # SECONDS WHAT COMMAND...
  local end=$((SECONDS + $1)) what=$2; shift 2
  until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || die "not in time: $what"; sleep 0.1; done
}
now() { echo $(($(date +%s%N) / 1000000)); }

is_old() { [ "$(kubectl get --raw /version | jq -r '.minor | ltrimstr("v") | sub("[+]$"; "") | tonumber')" -lt 24 ]; }
apply() { # OVERLAY [COMPONENT besides, FOLDER of its deploy/, TAG of its images]: as this server understands it
  local deploy=${3:-$PWD/deploy}
  applied=$work/$1${2:+-$2}${4:+-$4}
  mkdir -p "$applied"
  {
    echo "resources: [../../..$deploy/overlays/$1]"
    [ -z "${2:-}" ] || echo "components: [../../..$deploy/components/$2]"
    [ -z "${4:-}" ] || echo "images: [{name: ghcr.io/podlight/watcher, newTag: $4}, {name: ghcr.io/podlight/lightd, newTag: $4}]"
    # What the Prometheus operator isn't there for.
    cat <<END
patches:
  - target: {group: monitoring.coreos.com}
    patch: '{\$patch: delete, apiVersion: monitoring.coreos.com/v1, kind: any, metadata: {name: any}}'
END
    # policy/v1 is known from 1.21 on.
    ! is_old || cat <<END
  - target: {kind: PodDisruptionBudget}
    patch: '{\$patch: delete, apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: any}}'
END
  } >"$applied/kustomization.yaml"
  kubectl apply -k "$applied" >/dev/null
  local plugin
  plugin=$(kubectl -n podlight-device-plugin get daemonset -o name 2>/dev/null)
  [ -z "$plugin" ] || kubectl -n podlight-device-plugin rollout status --timeout=300s "$plugin" >/dev/null
  kubectl -n podlight rollout status --timeout=300s daemonset/lightd >/dev/null
  kubectl -n podlight rollout status --timeout=300s deployment/watcher >/dev/null
  until_true 300 "who was replaced is gone" sh -c '! kubectl get pods -A -l app.kubernetes.io/name=podlight | grep Terminating'
}
uninstall() {
  kubectl delete namespace try --ignore-not-found >/dev/null
  kubectl delete -k "$applied" >/dev/null
  local left
  left=$(kubectl get namespaces,clusterroles,clusterrolebindings -l app.kubernetes.io/name=podlight -o name)
  [ -z "$left" ] || die "left behind: $left"
  say "kubectl delete -k leaves nothing of podlight's in the cluster"
}

namespace() { if [ "$1" = device-plugin ]; then echo podlight-device-plugin; else echo podlight; fi; } # COMPONENT
pod() { # COMPONENT FIELD of its pod
  kubectl -n "$(namespace "$1")" get pods -l "app.kubernetes.io/component=$1" --field-selector=status.phase=Running \
    -o "jsonpath={.items[0].$2}"
}
process() { # COMPONENT: the pid of its daemon, as the machine sees it
  local uid pid; uid=$(pod "$1" metadata.uid)
  for pid in $(pgrep -x 'watcher|lightd'); do ! grep -q "${uid//-/[-_]}" "/proc/$pid/cgroup" || { echo "$pid"; return; }; done
  return 1
}
trust=(-plaintext)
# A pod that has just gone answers nothing, not even that it's gone.
grpc() { in_network timeout 1 "$(command -v grpcurl)" "${trust[@]}" "$@"; }
light() { grpc "$(pod lightd status.podIP):50051" podlight.v1.Light/GetState; }
shows() { # COLOR [REASON]
  light | jq -e --arg color "$1" --arg reason "${2:-}" \
    '.layer == "WATCHER" and all(.leds[]; .color == $color) and (.reason | contains($reason))'
}
sample() { # FILE: what the light says, again and again: the time in ms, the layer, the colors
  local state
  while :; do
    state=$(light 2>/dev/null) || state='{"layer":"unanswered"}'
    jq -r --arg now "$(now)" '[$now, .layer, .leds[]?.color] | join(" ")' <<<"$state" >>"$1"
  done
}
longest() { # FILE of samples [SINCE]: between two with the watcher's word, in ms
  awk -v since="${2:-0}" '/WATCHER/ {if ($1 >= since && last && $1 - last > most) most = $1 - last; last = $1} END {print most + 0}' "$1"
}
