#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What bash offers for the beginning of a line, asked of the completion itself
# and of a running daemon. Prints TAP. usage: completion_test.sh BUILD SOURCE
set -euo pipefail

build=$(realpath "$1")
# shellcheck source=/dev/null
. "$2/integration/bash-completion/limpet"

dir=$(mktemp -d)
"$build/limpetd" --runtime-dir "$dir/run" 2>"$dir/log" &
daemon=$!
trap 'kill "$daemon"; wait "$daemon" || true; rm -rf "$dir"' EXIT

limpet()
{
	"$build/limpet" --runtime-dir "$dir/run" "$@"
}

deadline=$((SECONDS + 10))
until limpet link show >/dev/null 2>&1; do
	[ "$SECONDS" -lt "$deadline" ] || {
		echo "Bail out! limpetd does not answer: $(cat "$dir/log")"
		exit 1
	}
	sleep 0.02
done

# Somebody may choose such a name; completing it may not run it.
cd "$dir"
# shellcheck disable=SC2016
evil='$(>ran)'
limpet link add lan0 type dummy
limpet link add link lan0 name web0 type macvtap
limpet link add link lan0 name web1 type macvtap
limpet link add link lan0 name "$evil" type macvtap

number=0
failed=0

# expect LINE [WORD...]: at the end of LINE bash offers exactly these words.
expect()
{
	local line=$1 want got
	shift

	# As bash does it: blanks separate, '=' is a word of its own.
	read -ra COMP_WORDS <<<"${line//=/ = }"
	[[ $line == *[\ =] ]] && COMP_WORDS+=("")
	COMP_WORDS=("$build/limpet" --runtime-dir "$dir/run" "${COMP_WORDS[@]:1}")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_limpet || true

	want=$(printf '%s\n' "$@" | LC_ALL=C sort)
	got=$(printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort)
	number=$((number + 1))
	if [ "$got" = "$want" ]; then
		echo "ok $number - $line"
	else
		echo "not ok $number - $line"
		printf '# wanted: %s\n# got: %s\n' "${want//$'\n'/ }" "${got//$'\n'/ }"
		failed=1
	fi
}

quoted=$(printf '%q' "$evil")

expect 'limpet ' help link monitor qemu
expect 'limpet l' link
expect 'limpet -s' -statistics
expect 'limpet --r' --runtime-dir
expect 'limpet -color=a' always auto
expect 'limpet -s -d l' link
expect 'limpet link ' add delete help list set show
expect 'limpet link s' set show
expect 'limpet li d we' web0 web1
expect 'limpet link set ' dev lan0 web0 web1 "$quoted"
expect 'limpet link set dev w' web0 web1
expect 'limpet link set web0 ' address alias down mtu name poll txqueuelen type up vhost
expect 'limpet link set web0 vhost ' server client
expect 'limpet link set web0 poll '
expect 'limpet link set web0 mtu '
expect 'limpet link set web0 ty' type
expect 'limpet link set web0 type ' macvtap macvlan dummy
expect 'limpet link set web0 type macvtap ' mode flag nopromisc nodst macaddr bcqueuelen bclim
expect 'limpet link set web0 type macvtap mode ' private vepa bridge passthru source
expect 'limpet link set web0 type macvtap mode p' private passthru
expect 'limpet link set web0 type macvtap flag ' nopromisc nodst null
expect 'limpet link set web0 type macvtap mode source macaddr ' add del set flush
expect 'limpet link set lan0 type dummy ' hairpin
expect 'limpet link set lan0 type dummy hairpin ' on off
expect 'limpet link add l' link
expect 'limpet link add link la' lan0
expect 'limpet link add link lan0 name '
expect 'limpet link add link lan0 name web2 t' txqueuelen type
expect 'limpet link show w' web0 web1
expect 'limpet link show type ' macvtap macvlan dummy netdev
expect 'limpet link show type macvtap u' up
expect 'limpet link help ' macvtap macvlan dummy
expect 'limpet monitor ' link
expect 'limpet qemu ' web0 web1 "$quoted"
expect 'limpet qemu web0 ' memory stream vhost web0 web1 "$quoted"
expect 'limpet nonsense '

number=$((number + 1))
if [ -e "$dir/ran" ]; then
	echo "not ok $number - a name was run as a command"
	failed=1
else
	echo "ok $number - no name is run as a command"
fi
echo "1..$number"
exit "$failed"
