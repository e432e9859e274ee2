#!/usr/bin/env bash
# A private RabbitMQ for tests and demonstrations, which lives as long as a command:
#
#   broker.sh run DIR PORT [BIND_IP] -- COMMAND [ARGUMENT…]
#
# DIR holds everything that it writes; run again with the same DIR it has its queues back. It listens on BIND_IP:PORT
# (127.0.0.1 unless said otherwise) and is ready when COMMAND starts. With COMMAND it ends. Exit: that of COMMAND, or 69
# if there is no broker.
#
# Its user guest may log in from anywhere, with the password guest: never give it an address that others can reach.
set -euo pipefail

usage() {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
  exit 64
}

fail() {
  echo "broker.sh: $*" >&2
  exit 69
}

[[ ${1:-} == run && $# -ge 5 ]] || usage
dir=$2 port=$3 bind=127.0.0.1
shift 3
if [[ $1 != -- ]]; then
  bind=$1
  shift
fi
[[ $1 == -- && $# -ge 2 ]] || usage
shift

# Debian's command changes to the user rabbitmq and the machine's own settings; the server itself lies here.
server=/usr/lib/rabbitmq/bin/rabbitmq-server
[[ -x $server ]] || server=$(command -v rabbitmq-server) || fail "no rabbitmq-server: apt-get install rabbitmq-server"
command -v epmd >/dev/null || fail "no epmd: apt-get install erlang-base"

listens() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

# Below the ports that the kernel gives to outgoing connections.
free_port() {
  local candidate
  for _ in {1..50}; do
    candidate=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    listens 127.0.0.1 "$candidate" || { echo "$candidate" && return; }
  done
  fail "no free port"
}

! listens "$bind" "$port" || fail "somebody listens on $bind:$port already"

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
cat >"$dir/rabbitmq.conf" <<CONF
listeners.tcp.1 = $bind:$port
loopback_users = none
log.console = false
log.file.level = warning
# A machine for tests may be short of both: that is no reason to take no messages.
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.relative = 0.9
CONF
echo '[].' >"$dir/enabled_plugins"

# No variable of another broker counts.
while IFS= read -r name; do unset "$name"; done < <(compgen -e RABBITMQ_ || true)
export HOME=$dir # of the Erlang cookie
export ERL_EPMD_ADDRESS=127.0.0.1
export RABBITMQ_NODENAME=broker@localhost
export RABBITMQ_CONFIG_FILE=$dir/rabbitmq.conf
export RABBITMQ_CONF_ENV_FILE=/dev/null
export RABBITMQ_ENABLED_PLUGINS_FILE=$dir/enabled_plugins
export RABBITMQ_MNESIA_BASE=$dir/data
export RABBITMQ_LOG_BASE=$dir/log
export RABBITMQ_PID_FILE=$dir/pid
# Few threads that do not spin: a test's broker has little to do. And Erlang's own port is nobody else's business.
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none \
  -kernel inet_dist_use_interface {127,0,0,1}"
ERL_EPMD_PORT=$(free_port)
RABBITMQ_DIST_PORT=$(free_port)
export ERL_EPMD_PORT RABBITMQ_DIST_PORT

epmd_pid='' server_pid='' command_pid=''
stop() {
  local pid
  for pid in $command_pid $server_pid $epmd_pid; do
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
}
trap stop EXIT
# Ended by a signal it takes the broker along.
trap 'exit 143' TERM INT HUP

# Erlang's port mapper: our own and in the foreground. The one that RabbitMQ would start stays behind.
epmd -port "$ERL_EPMD_PORT" >"$dir/epmd.out" 2>&1 </dev/null &
epmd_pid=$!
"$server" >"$dir/server.out" 2>&1 </dev/null &
server_pid=$!

for ((tries = 0; ; tries++)); do
  listens "$bind" "$port" && break
  kill -0 "$server_pid" 2>/dev/null || { tail -n 30 "$dir/server.out" >&2 && fail "RabbitMQ has ended; its output: $dir"; }
  ((tries < 600)) || fail "RabbitMQ does not listen after a minute; its output: $dir"
  sleep 0.1
done

# In the background, so that a signal is not held up by it.
"$@" <&0 &
command_pid=$!
status=0
wait "$command_pid" || status=$?
command_pid=''
exit "$status"
