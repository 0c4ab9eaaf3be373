# Runs a server until it ends, or until standard input does: whoever started this holds the other end
# of it, so the server ends with him, also when he was killed. Then removes the server's folder.
#
# Arguments: the folder, and the program with its arguments.
folder=$1
shift
cd "$folder" || exit 1
exec 3<&0 </dev/null
"$@" >log 2>&1 3<&- &
server=$!
# Nothing is ever written to it: `read` returns when nobody holds the other end any more.
{ read -r _ <&3; kill -KILL "$server"; } 2>/dev/null &
watch=$!
wait "$server" 2>/dev/null
code=$?
kill "$watch" 2>/dev/null
# 128 and 9: killed from here, as is usual. Otherwise it ended by itself, and its log may say why.
[ "$code" = 137 ] || tail -n 20 log >&2
cd /
rm -rf -- "$folder"
# Whatever the server started is in this process group, too.
trap '' TERM
kill -TERM 0
exit "$code"
