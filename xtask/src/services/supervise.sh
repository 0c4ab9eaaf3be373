# Runs a server until it ends, or until standard input does: whoever started this holds the other end
# of it, so the server ends with him, also when he was killed. Then removes the server's folder.
#
# Arguments: the signal that ends the server, the folder, and the program with its arguments.
signal=$1
folder=$2
shift 2
cd "$folder" || exit 1
exec 3<&0 </dev/null
"$@" >log 2>&1 3<&- &
server=$!
# Nothing is ever written to it: `read` returns when nobody holds the other end any more.
{ read -r _ <&3; : >ended; kill -"$signal" "$server"; } 2>/dev/null &
watch=$!
wait "$server" 2>/dev/null
code=$?
kill "$watch" 2>/dev/null
# Unless it was ended from here, its log may say why.
[ -e ended ] || tail -n 20 log >&2
cd /
rm -rf -- "$folder"
# Whatever the server started is in this process group, too.
trap '' TERM
kill -TERM 0
exit "$code"
