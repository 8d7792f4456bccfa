# The probe: what one host is asked, in one go.  It comes on the standard input of /bin/sh, answers on standard output
# in records (docs/formats/probe.md), changes nothing and leaves nothing behind.
#
# It has to run in any POSIX shell on Linux and AIX, so: no local variables, no GNU options without another way, no
# temporary files (hence no here-documents, which some shells write to disk).  What a host gives (names, contents) is
# data: it is never evaluated, and it leaves only encoded or counted.
#
# The users of a host are trusted neither with each other nor with the user that this runs as: a program runs only if
# nobody but root and this user can replace it; a file counts for an instance only if it belongs to the instance's user;
# what another user's process writes comes in a stream of its own, which it can't leave.
#
# A result counts only if it is whole.  A fork that fails, or a tool that is missing or ends early, must never look like
# an empty file, so results have a mark at their end.
#
# The order here: records, running with a time limit, files, traces, PSEs, sapgenpse, the way through the folders,
# systems, the zone, main.
#
# shellcheck shell=sh
# shellcheck disable=SC2015,SC2317 # A && B || return is meant; functions are called by a name in a variable

# All of it stands in these braces: a shell runs nothing of them before the last one has arrived.  Without them a text
# that is cut in "visit() {" would start vi.
{

# --- Records ---------------------------------------------------------------------------------------------------------

# field KEY VALUE: one more field of the next record; no value, no field.
field() {
    case $2 in
    '') ;;
    *[!A-Za-z0-9._/:+,@-]*)
        encoded=
        [ "$broken" = 1 ] || encoded=$(put "$2$newline" | encode)
        [ -n "$encoded" ] || encode_here "$2"
        fields="$fields $1=$encoded"
        ;;
    *) fields="$fields $1=$2" ;;
    esac
}

# The line feed at the end is not part of the value.
encode() {
    awk '
        BEGIN {
            plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/:+,@-"
            for (i = 1; i < 256; i++) {
                c = sprintf("%c", i)
                code[c] = index(plain, c) > 0 ? c : sprintf("%%%02X", i)
            }
        }
        {
            if (NR > 1) printf "%%0A"
            for (i = 1; i <= length($0); i++) printf "%s", code[substr($0, i, 1)]
        }'
}

# encode_here TEXT: the same into $encoded, without a process; only of what is usual, the rest becomes "?".
encode_here() {
    encoded='' left=$1
    while [ -n "$left" ]; do
        char=${left%"${left#?}"}
        left=${left#?}
        case $char in
        [A-Za-z0-9._/:+,@-]) encoded=$encoded$char ;;
        ' ') encoded=$encoded%20 ;;
        '(') encoded=$encoded%28 ;;
        ')') encoded=$encoded%29 ;;
        *) encoded=$encoded%3F ;;
        esac
    done
}

# record TYPE LENGTH: the header line, with the fields.  LENGTH bytes and a line feed have to follow.
record() {
    records=$((records + 1))
    put "$1 $2$fields$newline"
    fields=
}

# bare TYPE: a record without bytes.
bare() {
    records=$((records + 1))
    put "$1 0$fields$newline$newline"
    fields=
}

# note TEXT
note() {
    field text "$1"
    bare note
}

# lack REASON PATH TEXT: a note of what was not looked at.
lack() {
    field reason "$1"
    field path "$2"
    note "$3"
}

# put TEXT: TEXT as it is.  Some old ksh have no printf of their own, and an argument of a program has limits.
put() {
    printf %s "$1"
}

choose_put() {
    case $(command -v printf) in
    /*)
        if [ "$(command -v print)" = print ]; then
            put() {
                print -rn -- "$1"
            }
        fi
        ;;
    esac
}

# --- Running with a time limit ---------------------------------------------------------------------------------------
#
# run COMMAND...: run it for at most $limit seconds, its standard input from descriptor 7, its standard error to 5, its
# standard output through $reader to 6.  $status is its exit status, or "time-out".  When it has ended, its process group
# is killed if it has one of its own ($group), and whatever else still holds its output is waited for no longer than two
# seconds: then the reader is killed, and what is written later goes nowhere.  With $beats=1 a heartbeat goes to
# descriptor 3 every $tg_beat_seconds; if nobody reads it any more, everything ends.
#
# The parts of the pipeline say on descriptor 4 who they are and how the command ended.

run() {
    { told=$(
        {
            {
                "$@" <&7 2>&5 3>&- 4>&- 5>&- 6>&- 7>&- &
                child=$!
                find_self
                watch </dev/null >/dev/null &
                watcher=$!
                wait "$child"
                status=$?
                kill -9 "$watcher"
                [ "$group" = 0 ] || kill -9 "-$child"
                wait "$watcher"
                echo "status $status" >&4
            } 2>/dev/null | {
                exec 8<&0 </dev/null
                # shellcheck disable=SC2086
                $reader <&8 >&6 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- &
                echo "reader $!" >&4
                exec 8<&-
                wait "$!"
            } 2>/dev/null
        } 4>&1 | supervise 3>&- 5>&- 6>&- 7>&-
    ); } 2>/dev/null
    status=${told#* }
    case $told in
    [0-9]*' '?*) records=$((records + ${told%% *})) ;;
    *) status=failed ;; # something could not be started
    esac
}

# The process number of this subshell, into $self.
find_self() {
    self=
    { read -r self _ </proc/self/stat; } 2>/dev/null
    [ -n "$self" ] || self=$(exec sh -c 'echo "$PPID"')
}

# watch: heartbeats, and the end of $child in time.  If it can't be killed (it runs as root: sudo) nobody waits for it,
# and it ends when it writes the next time.
watch() {
    trap '' PIPE
    passed=0
    while :; do
        sleep 1 3>&- 4>&- 5>&- 6>&- 7>&-
        passed=$((passed + 1))
        if [ "$beats" = 1 ] && [ "$((passed % tg_beat_seconds))" = 0 ]; then
            # By cat, since ksh93 does not say that nobody reads what it prints.
            if put "beat 0$newline$newline" | cat >&3 4>&- 5>&- 6>&- 7>&-; then
                echo beat >&4
            else
                end_child
                kill -9 "$self" "$$"
                exit
            fi
        fi
        if [ "$passed" -ge "$limit" ]; then
            echo late >&4
            end_child
            sleep 1 3>&- 4>&- 5>&- 6>&- 7>&-
            kill -9 "$self"
            exit
        fi
    done
}

end_child() {
    [ "$group" = 0 ] || kill -9 "-$child"
    kill -9 "$child"
}

# supervise: read what the parts say until they all have ended; print the number of heartbeats and how it ended.
supervise() {
    reading='' end='' late='' killer='' count=0
    while read -r what number; do
        case $what in
        beat) count=$((count + 1)) ;;
        reader) reading=$number ;;
        status) end=$number ;;
        late) late=1 ;;
        esac
        if [ -n "$reading" ] && [ -n "$late" ]; then
            kill -9 "$reading"
        elif [ -n "$reading" ] && [ -n "$end" ] && [ -z "$killer" ]; then
            {
                sleep 1
                sleep 1
                kill -9 "$reading"
            } </dev/null >/dev/null &
            killer=$!
        fi
    done
    [ -z "$killer" ] || kill -9 "$killer"
    if [ -n "$late" ]; then
        echo "$count time-out"
    elif [ -n "$end" ]; then
        echo "$count $end"
    fi
}

# choose_group: how to give a command a process group of its own.
choose_group() {
    group=0 grouper=
    for grouper in setsid perl; do
        if command -v "$grouper" >/dev/null 2>&1; then
            group=1
            return
        fi
    done
    grouper=
}

# in_group COMMAND...: run it in this process, which becomes the leader of a group if that can be had.
in_group() {
    case $grouper in
    setsid) exec setsid "$@" ;;
    perl) exec perl -e 'setpgrp(0, 0); exec { $ARGV[0] } @ARGV or exit 127' "$@" ;;
    *) exec "$@" ;;
    esac
}

# --- Files -----------------------------------------------------------------------------------------------------------

choose_stat() {
    for stat in stat perl; do
        open_stat=1 # whether what is open can be asked for
        about /dev/stdin </
        [ "$kind" != 4 ] || return 0
        open_stat=0
        about /
        [ "$kind" != 4 ] || return 0
    done
    stat='ls'
}

stat_format='%d %i %s %Y %a %u %f %U'

# facts PATH: print what is known of a file: device, inode, size, time, mode, number of the owner, type and mode in hex,
# name of the owner.
facts() {
    case $stat in
    stat) stat -L -c "$stat_format" "$1" ;;
    perl)
        perl -e '
            my @s = $ARGV[0] eq "/dev/stdin" ? stat(STDIN) : stat($ARGV[0]) or exit 1;
            printf "%s %s %s %s %o %s %x %s\n", @s[0, 1, 7, 9], $s[2] & 07777, $s[4], $s[2], getpwuid($s[4]) || "";
        ' "$1"
        ;;
    ls) # neither device nor time in a form that can be read; no zone, which may be broken
        TZ=UTC0 ls -dinL "$1"
        ;;
    esac 2>/dev/null
}

# about PATH: these, into $device $inode $size $modified $mode $uid $kind $owner.  No file, no $inode.
about() {
    take_facts "$(facts "$1")"
}

take_facts() {
    set -f
    # shellcheck disable=SC2086
    set -- $1
    set +f
    if [ "$stat" = ls ]; then
        case ${2-} in
        -*) kind=8 ;;
        d*) kind=4 ;;
        *) kind=0 ;;
        esac
        device='' inode=${1-} size=${6-} modified='' mode='' uid=${4-} owner=${4-}
        return
    fi
    device=${1-} inode=${2-} size=${3-} modified=${4-} mode=${5-} uid=${6-} owner=${6-} kind=${7-}
    kind=${kind%???}
    if [ $# -gt 7 ]; then # a name may have blanks
        shift 7
        [ "$*" = UNKNOWN ] || owner=$*
    fi
}

# link_uid PATH: the number of the owner of a link itself.
link_uid() {
    set -f
    # shellcheck disable=SC2046,SC2012
    set -- $(TZ=UTC0 ls -dn "$1" 2>/dev/null)
    set +f
    put "${3-}"
}

# is_met trace|store: whether $device and $inode were met as one in this instance before.
is_met() {
    [ -n "$device" ] || return 1
    case $seen in
    *" $1:$device:$inode "*) return 0 ;;
    esac
    return 1
}

# is_new trace|store: whether they were not; from now on they were.
is_new() {
    ! is_met "$1" || return 1
    seen="$seen $1:$device:$inode "
}

# can_open PATH: access(2) is not the whole truth (root on NFS), so try.  Not for a FIFO.
can_open() {
    [ -r "$1" ] && (: <"$1") 2>/dev/null
}

# not_allowed: why what cannot be opened cannot.
not_allowed() {
    put "not-allowed${refusal:+ ($refusal)}"
}

# is_closed_mode: whether nobody but the owner may write to what $mode is of.
is_closed_mode() {
    case $mode in
    *[2367] | *[2367]?) return 1 ;;
    esac
}

# is_well_linked PATH: whether it is no link, or one that root or the owner of what it leads to has made.  Anybody else
# could make another system's files look like its own.
is_well_linked() {
    [ -h "$1" ] || return 0
    about "$1"
    maker=$(link_uid "$1")
    [ -n "$maker" ] && { [ "$maker" = 0 ] || [ "$maker" = "$uid" ]; }
}

# enter FOLDER: from now on files of this folder are looked at; sets $hands, the numbers of the owners that count.
# False if it is a link of somebody else.
enter() {
    if [ "$broken" = 1 ]; then
        return
    fi
    is_well_linked "$1" || return
    about "$1"
    hands=" $keeper_uid " placed=0
    if [ "$uid" = 0 ] && is_closed_mode; then
        placed=1 # only root decides what lies here
    elif [ "$uid" != 0 ]; then
        hands="$hands$uid "
    fi
}

# is_of_instance: whether what $uid and $owner are of belongs to the instance's user.
is_of_instance() {
    case $hands in
    *" $uid "*) return 0 ;;
    esac
    [ "$placed" = 1 ] || { [ -n "$keeper" ] && [ "$owner" = "$keeper" ]; }
}

# --- Traces ----------------------------------------------------------------------------------------------------------

# send_trace PATH: the end of a trace, $tg_trace_bytes of it at most.
send_trace() {
    file=$1 reason=
    if [ "$broken" = 1 ]; then
        trace_unread "$broken_why"
        return
    fi
    about "$file"
    if [ -z "$inode" ]; then
        [ ! -h "$file" ] || trace_unread 'link (it leads to nothing)'
        return
    fi
    ! is_met trace || return 0
    if [ "$kind" != 8 ]; then
        reason=not-a-file
    elif [ -h "$file" ] && ! stays_here "$file"; then
        reason='link (it leads out of its folder)'
    elif ! can_open "$file"; then
        reason=$(not_allowed)
    elif ! is_of_instance; then
        reason="wrong-owner ($owner)"
    fi
    [ -n "$reason" ] || { send_open_trace; } 7<"$file" 8<"$file"
    [ -z "$reason" ] || trace_unread "$reason"
}

trace_unread() {
    field instance "$instance"
    field path "$file"
    field reason "$1"
    bare trace-unread
}

# stays_here LINK: whether it leads to a file in the same folder.
stays_here() {
    # shellcheck disable=SC2012
    target=$(TZ=UTC0 ls -ld "$1" 2>/dev/null)
    target=${target##* -> }
    case $target in
    '' | */* | . | ..) return 1 ;;
    esac
    [ -f "${1%/*}/$target" ] && [ ! -h "${1%/*}/$target" ]
}

# about_open PATH: what is open as descriptor 8; where that cannot be asked for, what has its name.
about_open() {
    if [ "$open_stat" = 1 ]; then
        about /dev/stdin <&8
    else
        about "$1"
    fi
}

# send_open_trace: $file is open twice; what is sent comes from descriptor 8, so that is what has to be of the instance.
send_open_trace() {
    about_open "$file"
    if [ "$kind" != 8 ]; then
        reason=not-a-file
    elif ! is_of_instance; then
        reason="wrong-owner ($owner)"
    elif ! is_trace; then
        reason=not-a-trace
    fi
    # It may have been rotated since its name was looked at: what is open counts.
    if [ -n "$reason" ] || ! is_new trace; then
        return 0
    fi

    find_part || {
        reason='no-tool awk'
        return
    }
    field instance "$instance"
    field path "$file"
    field device "$device"
    field inode "$inode"
    field size "$size"
    field modified "$modified"
    field from "$from"
    record trace "$length"
    [ "$length" = 0 ] || trace_bytes | head -c "$length"
    put "$newline"

    about "$file"
    field path "$file"
    field inode "$inode"
    field size "${size:-0}"
    bare trace-after
}

# is_trace: whether what is open as descriptor 7 looks like a trace: it has a trace's words, or is text, and is no key,
# certificate or PSE.  A trace that was emptied while it was being written begins with NULs.
is_trace() {
    sample=$(dd bs=4096 count=1 <&7 2>/dev/null | tr '\000-\010\016-\037' '[\001*]')
    case $sample in
    '') ;; # it is empty, or is just being emptied
    *'-----BEGIN '* | *PRIVATE*KEY* | *PuTTY-User-Key* | *openssh-key-v1*) return 1 ;;
    0*"$control"* | *SKnew* | *PKList*) return 1 ;; # DER
    "$control$control$control$control"*) ;;
    *'[Thr '* | *'trc file'* | *'trc level'*) ;;
    *"$control"*) return 1 ;;
    esac
}

# find_part: where the end of the trace begins ($from), how long it is ($length), and the same as blocks and the rest.
# Some shells count to 2^31 only, awk to 2^53.
find_part() {
    if [ ${#size} -lt 9 ] && [ ${#tg_trace_bytes} -lt 10 ]; then
        from=$((size - tg_trace_bytes))
        [ "$from" -gt 0 ] || from=0
        length=$((size - from)) block=$((from / 65536))
        rest=$((from - block * 65536))
        return
    fi
    part=$(awk -v size="$size" -v limit="$tg_trace_bytes" 'BEGIN {
        from = size - limit
        if (from < 0) from = 0
        block = int(from / 65536)
        printf "%.0f %.0f %.0f %.0f .", from, size - from, block, from - block * 65536
    }')
    case $part in
    *' .') ;;
    *) return 1 ;;
    esac
    from=${part%% *} part=${part#* }
    length=${part%% *} part=${part#* }
    block=${part%% *} part=${part#* }
    rest=${part%% *}
}

# trace_bytes: descriptor 8 from $from on, then at least $length NULs: the record has said how many bytes come, and a
# trace may be rotated or cut meanwhile.
trace_bytes() {
    if [ "$from" = 0 ]; then
        cat <&8
    elif [ "$rest" = 0 ]; then
        dd bs=65536 skip="$block" <&8 2>/dev/null
    else
        dd bs=65536 skip="$block" <&8 2>/dev/null | tail -c "+$((rest + 1))"
    fi
    head -c "$length" /dev/zero 2>/dev/null
}

# --- PSEs: ASN.1 -----------------------------------------------------------------------------------------------------
#
# A PSE without PIN is plain ASN.1 with the private key in it (docs/formats/pse.md).  It is read once, as base64, into
# awk, which walks tags and lengths and decodes no more than these; of the objects in it only two are looked into, chosen
# by their identifiers.  They are checked to be certificates and nothing else, and what was checked is what goes out: a
# file that is damaged, forged, or replaced in mid-reading yields certificates or nothing.

# choose_encoder: what writes base64 here; long lines cost awk less.
choose_encoder() {
    for encoder in 'base64 -w 3072' base64 openssl uuencode od; do
        [ "$(put trustgap | encoded)" != dHJ1c3RnYXA= ] || return 0
    done
    encoder=
}

# encoded: standard input as lines of base64, all but the last one equally long.
encoded() {
    case $encoder in
    'base64 -w 3072') base64 -w 3072 2>/dev/null ;;
    base64) base64 2>/dev/null ;;
    openssl) openssl base64 -e 2>/dev/null ;;
    uuencode) uuencode -m x 2>/dev/null | sed '1d;/^====$/d' ;;
    od)
        od -An -v -tu1 2>/dev/null | awk '
            BEGIN { plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" }
            function group(a, b, c) {
                return substr(plain, int(a / 4) + 1, 1) substr(plain, a % 4 * 16 + int(b / 16) + 1, 1) \
                    substr(plain, b % 16 * 4 + int(c / 64) + 1, 1) substr(plain, c % 64 + 1, 1)
            }
            {
                for (i = 1; i <= NF; i++) {
                    byte[held++] = $i
                    if (held == 3) {
                        line = line group(byte[0], byte[1], byte[2])
                        held = 0
                        if (length(line) == 76) {
                            print line
                            line = ""
                        }
                    }
                }
            }
            END {
                if (held == 1) line = line substr(group(byte[0], 0, 0), 1, 2) "=="
                if (held == 2) line = line substr(group(byte[0], byte[1], 0), 1, 3) "="
                if (line != "") print line
            }'
        ;;
    esac
}

# walk: what the files are that come in base64, all in one, on standard input.  Above it there are, for each file, a line
# "file SIZE FIELDS" with the fields of its record and a line with what was known of it; then "data".  With $batch=1, what
# is known now follows behind "after".
#
# With $batch=1 the records of the files go to standard output, and to standard error a line for each file that wants a
# closer look, then "done" and the number of records.  Else: a line with the number of records, a blank and the reason
# (nothing if it went well); then the records; then a dot.
walk() {
    awk -v batch="$batch" -v most="$tg_objects" '
        BEGIN {
            plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
            for (i = 0; i < 64; i++) value_of[substr(plain, i + 1, 1)] = i
            cached = -1
        }
        part == 1 && /^after$/ { part = 2; next }
        part == 1 { line[n++] = $0; next }
        part == 2 { now[++seen] = $0; next }
        /^data$/ { part = 1; next }
        /^file / {
            files++
            size_of[files] = $2 + 0
            sub(/^file [0-9]* ?/, "")
            fields_of[files] = $0
            next
        }
        { known[files] = $0 }

        # The byte at this place; 256, which fits nowhere, for what is behind the end.
        function byte(at,   group, text, i) {
            if (at >= limit) return 256
            group = int(at / 3)
            if (group != cached) {
                i = int(group / groups)
                text = substr(line[i], (group - i * groups) * 4 + 1, 4)
                a = value_of[substr(text, 1, 1)]
                b = value_of[substr(text, 2, 1)]
                c = value_of[substr(text, 3, 1)]
                d = value_of[substr(text, 4, 1)]
                cached = group
            }
            at -= group * 3
            if (at == 0) return a * 4 + int(b / 16)
            if (at == 1) return b % 16 * 16 + int(c / 4)
            return c % 4 * 64 + d
        }

        # The element that begins there: its tag, where its value begins, where the next one would.  False if it does
        # not end by end.  Lengths have at most three bytes; the indefinite form is refused.
        function element(at, end,   count) {
            where = at
            if (at >= end) return 0
            tag = byte(at)
            count = byte(at + 1)
            if (count < 128) {
                value = at + 2
                after = value + count
            } else if (count == 129) {
                value = at + 3
                after = value + byte(at + 2)
            } else if (count == 130) {
                value = at + 4
                after = value + byte(at + 2) * 256 + byte(at + 3)
            } else if (count == 131) {
                value = at + 5
                after = value + byte(at + 2) * 65536 + byte(at + 3) * 256 + byte(at + 4)
            } else return 0
            return after <= end
        }
        function expect(wanted, at, end) {
            return element(at, end) && tag == wanted
        }

        # What these bytes are certificates of, one behind the other: their number, or -1 if they are anything else.  A
        # certificate is SEQUENCE { SEQUENCE { [0] or INTEGER ... }, SEQUENCE, BIT STRING }, all lengths fitting; a
        # private key begins in another way.
        function certificates(at, end,   count, whole, body) {
            while (at < end) {
                if (!expect(48, at, end)) return -1
                whole = after
                if (!expect(48, value, whole)) return -1
                body = after
                if (!element(value, body) || (tag != 160 && tag != 2)) return -1
                if (!expect(48, body, whole) || !expect(3, after, whole) || after != whole) return -1
                at = whole
                count++
            }
            return count + 0
        }

        # Four characters for three bytes, those outside of begin to end as zero.
        function masked(group, begin, end,   i, b) {
            for (i = 0; i < 3; i++)
                b[i] = group * 3 + i < begin || group * 3 + i >= end ? 0 : byte(group * 3 + i)
            return substr(plain, int(b[0] / 4) + 1, 1) substr(plain, b[0] % 4 * 16 + int(b[1] / 16) + 1, 1) \
                substr(plain, b[1] % 16 * 4 + int(b[2] / 64) + 1, 1) substr(plain, b[2] % 64 + 1, 1)
        }

        # A record with these bytes of the file: the lines that hold them, without what is not of them.
        function print_record(type, fields, begin, end,   first, last, from, to, i, text, long) {
            if (end == begin) {
                printf "%s 0%s encoding=base64 skip=0 size=0\n\n", type, fields
                return
            }
            first = int(begin / 3)
            last = int((end - 1) / 3)
            from = int(first / groups)
            to = int(last / groups)
            for (i = from; i <= to; i++) {
                text = line[i]
                if (i == to) text = substr(text, 1, (last - to * groups) * 4) masked(last, begin, end)
                if (i == from) text = substr(text, (first - from * groups) * 4 + 1)
                if (i == from && last > first) text = masked(first, begin, end) substr(text, 5)
                out[i] = text
                long += length(text) + 1
            }
            printf "%s %d%s encoding=base64 skip=%d size=%d\n", type, long, fields, begin - first * 3, end - begin
            for (i = from; i <= to; i++) print out[i]
            print ""
        }

        function content(at, end,   object) {
            if (!expect(48, at, end) || !expect(24, after, end) || !element(after, end)) return "damaged"
            if (tag == 2 && !element(after, end)) return "damaged"
            if (tag != 49 || after != end) return "damaged"
            at = value
            while (at < end) {
                if (++objects > most) return "too-many-objects"
                if (!expect(48, at, end)) return "damaged"
                object = after
                # its name, which anybody may choose; a number; its identifier
                if (!expect(19, value, object) || !expect(24, after, object) || !expect(6, after, object)) return "damaged"
                at = object
                if (after - value != 5 || byte(value) != 43 || byte(value + 1) != 36 || byte(value + 2) != 2) continue
                if (byte(value + 3) == 1 && byte(value + 4) == 3) { # Cert
                    if (own_end) return "damaged"
                    own = after
                    own_end = object
                } else if (byte(value + 3) == 6 && byte(value + 4) == 1) { # PKList
                    if (listed || !expect(49, after, object) || after != object) return "damaged"
                    listed = 1
                    list = value
                    list_end = object
                }
            }
            return ""
        }

        # What the file from begin to limit is.
        function outcome(begin,   version, whole, at) {
            listed = own_end = list = list_end = objects = 0
            if (begin == limit || !expect(48, begin, 999999999)) return "no-pse"
            whole = after
            if (!expect(2, value, 999999999) || after > limit) return "no-pse"
            if (after - value == 1 && byte(value) == 2) version = 2
            else if (after - value == 1 && byte(value) == 4) version = 4
            else if (after - value == 2 && byte(value) == 1 && byte(value + 1) == 0) version = 256
            else return "unknown-version"

            if (whole != limit || !element(after, limit) || after != limit) return "damaged"
            if (version == 2 && tag == 48) return content(value, limit)
            if (version == 2 && tag == 160) return "needs-pin"
            if (version == 256 && tag == 160) return "needs-pin (LPS)"
            if (version != 4 || tag != 163) return "damaged"
            # a flag (0: no PIN), an algorithm, the content in an OCTET STRING, a check value
            if (!expect(2, value, limit)) return "damaged"
            if (after - value != 1 || byte(value) != 0) return "needs-pin"
            if (!expect(48, after, limit) || !expect(4, after, limit)) return "damaged"
            at = value
            whole = after
            if (!expect(4, after, limit) || after != limit) return "damaged"
            if (!expect(48, at, whole) || after != whole) return "damaged"
            return content(value, whole)
        }
        function judge(begin,   reason) {
            reason = outcome(begin)
            if (reason == "") {
                count = certificates(list, list_end)
                if (count < 0 || (own_end && certificates(own, own_end) != 1)) reason = "unknown-form"
            }
            if (reason == "damaged" || reason ~ /^unknown/) reason = reason " at byte " (where - begin)
            return reason
        }
        function print_lists() {
            print_record("trusted", " count=" count, list, list_end)
            if (own_end) print_record("own", "", own, own_end)
            return own_end ? 2 : 1
        }

        END {
            groups = int(length(line[0]) / 4)
            held = n ? (n - 1) * groups * 3 + int(length(line[n - 1]) / 4) * 3 : 0
            if (n && line[n - 1] ~ /==$/) held -= 2
            else if (n && line[n - 1] ~ /=$/) held -= 1
            for (i = 1; i <= files; i++) total += size_of[i]
            whole = held == total # else one was cut, or is another one by now
            if (!batch) {
                limit = total
                reason = whole ? judge(0) : "changed"
                print (reason != "" ? 0 : own_end ? 2 : 1) " " reason
                if (reason == "") print_lists()
                printf "."
                exit
            }
            limit = 0
            for (f = 1; f <= files; f++) {
                begin = limit
                limit += size_of[f]
                reason = whole && known[f] == now[f] ? judge(begin) : "changed"
                if (reason == "") {
                    printf "store 0%s method=native\n\n", fields_of[f]
                    records += 1 + print_lists()
                } else if (reason == "no-pse") {
                    printf "store 0%s method=none reason=no-pse\n\n", fields_of[f]
                    records++
                } else print "look " f >"/dev/stderr"
            }
            print "done " records + 0 >"/dev/stderr"
        }'
}

# --- PSEs: sapgenpse -------------------------------------------------------------------------------------------------

# ask [-x PIN]: what $tool says of $file, both streams, into $listing, its exit status into $status.  It gets no
# terminal, no input, and $tg_tool_seconds.  cred_v2 is looked for in SECUDIR.
ask() {
    limit=$tg_tool_seconds reader="head -c $tg_listing_bytes"
    listing=$(
        {
            records=0
            run use_tool "$@"
            put "${newline}records=$records status=$status"
        } 5>&1 6>&1 7</dev/null
    )
    status=${listing##*"$newline"records=}
    case $status in
    [0-9]*' status='*) records=$((records + ${status%% *})) status=${status#* status=} ;;
    *) status=failed ;;
    esac
    listing=${listing%"$newline"records=*}
}

use_tool() {
    cd "${file%/*}" || exit
    exec 2>&1
    in_group env LC_ALL=C TZ=UTC USER="$login" SECUDIR="${file%/*}" LD_LIBRARY_PATH="${tool%/*}" \
        LIBPATH="${tool%/*}" "$tool" maintain_pk -l -p "$file" "$@"
}

# Whether the answer is a listing.
is_listing() {
    case $status:$newline$listing in
    0:*"${newline}PKList:"*) return 0 ;;
    esac
    return 1
}

# Whether the answer is, or would be, a question for the PIN.
wants_pin() {
    case $listing in
    *PIN/Passphrase* | *'enter PIN'*) return 0 ;;
    esac
    case $status in
    time-out) return 0 ;;
    [0-9]*) [ "$status" -gt 128 ] ;;
    *) return 1 ;;
    esac
}

# is_ours PROGRAM: whether nobody but root and this user can replace it, the libraries beside it, or a folder above.
# What is listed: the folders from the root down, then the files.
is_ours() {
    case $1 in
    *"$newline"*) return 1 ;;
    esac
    [ ! -h "$1" ] || return 1
    rest=${1%/*}
    set -- "$1"
    for path in "${1%/*}"/lib*; do
        [ ! -e "$path" ] || set -- "$@" "$path"
    done
    while [ -n "$rest" ]; do
        set -- "$@" "$rest"
        rest=${rest%/*}
    done
    set -- / "$@"
    # shellcheck disable=SC2012
    lines=$(TZ=UTC0 ls -dn -- "$@" 2>/dev/null) && [ -n "$lines" ] || return 1
    while [ -n "$lines" ]; do
        line=${lines%%"$newline"*}
        case $lines in
        *"$newline"*) lines=${lines#*"$newline"} ;;
        *) lines= ;;
        esac
        is_ours_line "$line" || return 1
    done
}

# is_ours_line LINE: of ls -dn.  In a folder that all may write, and whose sticky bit is set, nobody can rename or remove
# what belongs to others.
is_ours_line() {
    set -f
    # shellcheck disable=SC2086
    set -- $1
    set +f
    case ${3-} in
    0 | "$my_uid") ;;
    *) return 1 ;;
    esac
    case $1 in
    l* | ?????w????* | ????????w?*)
        case $1 in
        d????????[tT]*) ;;
        *) return 1 ;;
        esac
        ;;
    esac
    case $1 in
    *+) return 1 ;;
    esac
}

# list_pse: let sapgenpse list what could not be read natively, for which $reason is the reason.  Sets $method, or
# completes $reason.
list_pse() {
    asked=0 why='no sapgenpse was found'
    for place in "$instance/exe" "$instance" "${instance%/*}/SYS/exe/run" "$root/hostctrl/exe" \
        "${instance%/*}/SYS/global/security/lib"*; do
        if [ ! -f "$place/sapgenpse" ] || [ ! -x "$place/sapgenpse" ]; then
            continue
        fi
        place=$(cd -P "$place" 2>/dev/null && pwd -P) || continue
        tool=$place/sapgenpse
        if [ "$tg_trust_users" = 1 ]; then
            trusting=1
        elif [ "$uid" != "$my_uid" ]; then
            why='sapgenpse runs only as the owner of the PSE'
            continue
        elif ! is_ours "$tool"; then
            why='a sapgenpse that others may replace is not run'
            continue
        fi
        ask
        if [ "$status" != time-out ] && ! is_listing && wants_pin; then
            ask -x ''
        fi
        asked=1
        case $status in
        126 | 127) continue ;; # it could not be started: a library is missing, perhaps
        esac
        break
    done
    if [ "$asked" -eq 1 ] && is_listing; then
        method=sapgenpse reason=
        return
    fi
    case $asked:$reason in
    *:damaged* | *:unknown*) ;;
    0:*) reason="$reason ($why)" ;;
    1:*)
        if [ "$status" = time-out ]; then
            reason="$reason (sapgenpse did not answer within $tg_tool_seconds s)"
        else
            wants_pin || reason=sapgenpse-failed
        fi
        ;;
    esac
}

# --- PSEs ------------------------------------------------------------------------------------------------------------

# send_stores FOLDER: all PSEs of a folder.  Those that are nothing special are read together: one after the other in
# base64, which costs little.  The folder is entered, so nobody can put another one in its place meanwhile; whether one
# of the files became another one is seen by the time of its last change of any kind.
send_stores() {
    folder=$1 special=
    if [ "$broken" = 0 ] && [ "$stat" = stat ] && [ -n "$encoder" ]; then
        set -- "$folder"/*.pse
        while [ $# -gt 0 ]; do
            send_batch "$@"
            shift "$taken"
        done
        return
    fi
    for path in "$folder"/*.pse; do
        send_one "$path"
    done
}

send_one() {
    case ${1##*/} in
    SecStore*) return ;; # SecStoreDBKey.pse is no PSE but a key in plain text
    esac
    if [ -e "$1" ] || [ -h "$1" ]; then
        send_store "$1"
    fi
}

# send_batch PATH...: the first of them; sets $taken to their number.
send_batch() {
    taken=0 bytes=0 count=0 table='' chosen=''
    # One line for each that is there, with its name, which may have anything in it, at the end.
    about_all=$(cd -P "$folder" 2>/dev/null && stat -c "$stat_format|%z|%n" -- ./*.pse 2>/dev/null)$newline
    for path in "$@"; do
        [ "$count" -lt 64 ] && [ "$bytes" -lt 4194304 ] || break
        taken=$((taken + 1))
        name=./${path##*/}
        line=${about_all%%"|$name$newline"*}
        [ "$line" != "$about_all" ] || line=
        line=${line##*"$newline"}
        case $name in
        ./SecStore*) continue ;;
        *"$newline"*) line= ;;
        esac
        take_facts "${line%%"|"*}"
        if [ -z "$line" ] || [ "$kind" != 8 ] || [ ! -r "$path" ] || [ "${#size}" -gt 7 ] || [ "$size" -gt 8388608 ] ||
            ! is_of_instance; then
            special="$special $taken"
            continue
        fi
        is_new store || continue
        field instance "$instance"
        field path "$path"
        field device "$device"
        field inode "$inode"
        field size "$size"
        field modified "$modified"
        field owner "$owner"
        field mode "$mode"
        table="${table}file $size $fields$newline$line$newline"
        fields=
        count=$((count + 1)) bytes=$((bytes + size)) chosen="$chosen $taken"
    done
    look=
    [ "$count" = 0 ] || read_batch "$@"
    turn=0
    for path in "$@"; do
        turn=$((turn + 1))
        case " $special/$look " in
        *"/"*" $turn "*) met=1 send_one "$path" ;;
        *" $turn"[\ /]*) send_one "$path" ;;
        esac
        met=0
    done
    special=
}

# read_batch PATH...: those whose numbers are in $chosen; sets $look to the numbers of those that want a closer look.
read_batch() {
    told=$(
        cd -P "$folder" || exit
        all=$# turn=0
        for path in "$@"; do
            turn=$((turn + 1))
            case "$chosen " in
            *" $turn "*) set -- "$@" "./${path##*/}" ;;
            esac
        done
        shift "$all"
        batch=1
        {
            put "${table}data$newline"
            cat -- "$@" 2>/dev/null | encoded
            put "after$newline"
            stat -c "$stat_format|%z" -- "$@" 2>/dev/null
        } | walk 2>&1 >&3
    )
    case $told in
    *'done '*[0-9]) records=$((records + ${told##*done })) ;;
    *) return ;; # awk has ended early, and the number of records will tell
    esac
    # shellcheck disable=SC2086
    while :; do
        case $told in
        'look '*) ;;
        *) break ;;
        esac
        line=${told%%"$newline"*}
        told=${told#*"$newline"}
        look="$look $(pick "${line#look }" $chosen)"
    done
}

# pick N WORD...: the Nth word.
pick() {
    shift "$1"
    put "$1"
}

# read_pse: $file is open as descriptor 7.  Sets $reason (nothing: it went well) and $found, the records.
read_pse() {
    batch=0
    found=$({
        put "file $size${newline}data$newline"
        encoded <&7
    } | walk)
    case $found in
    *"$newline".) ;;
    *)
        reason='no-tool awk' found=
        return
        ;;
    esac
    reason=${found%%"$newline"*}
    found=${found#*"$newline"}
    found=${found%.}
    count=${reason%% *} reason=${reason#* }
}

# try_open_pse: read what is open, in one way or another; nothing goes out yet.
try_open_pse() {
    if [ "$open_stat" = 1 ]; then
        about /dev/stdin <&7
        [ "$before" = "$device $inode $size $modified" ] || return 0
    fi
    if ! is_of_instance; then
        reason="wrong-owner ($owner)"
        return
    fi
    read_pse
    case $reason in
    '') method=native ;;
    no-pse | no-tool* | changed | too-many-objects*) ;;
    *) list_pse ;;
    esac
    again=$reason owned=$owner
    if [ "$open_stat" = 1 ]; then
        about /dev/stdin <&7
    else
        about "$file"
    fi
    reason=$again owner=$owned
}

# try_pse: the same with a name.  False if the file changed meanwhile.
try_pse() {
    method=none found='' count=0 reason=''
    if [ "$kind" != 8 ]; then
        reason=no-pse
    elif ! can_open "$file"; then
        reason=$(not_allowed)
    elif [ "${#size}" -gt 7 ] || [ "$size" -gt 8388608 ]; then
        reason=too-large
    elif [ -z "$encoder" ]; then
        reason='no-tool base64'
    else
        { try_open_pse; } 7<"$file"
        [ "$before" = "$device $inode $size $modified" ] && [ "$reason" != changed ]
    fi
}

send_store() {
    file=$1 method=none found='' count=0
    if [ "$broken" = 1 ]; then
        field instance "$instance"
        field path "$file"
        field method none
        field reason "$broken_why"
        bare store
        return
    fi
    about "$file"
    if [ -z "$inode" ]; then # a link that leads nowhere, or it is gone
        [ -h "$file" ] || return 0
        reason='link (it leads to nothing)'
    else
        [ "$met" = 1 ] || is_new store || return 0
        try=1
        while [ "$try" -le 2 ]; do
            before="$device $inode $size $modified"
            ! try_pse || break
            method=none found='' count=0 reason=changed
            about "$file"
            try=$((try + 1))
        done
    fi

    field instance "$instance"
    field path "$file"
    field device "$device"
    field inode "$inode"
    field size "$size"
    field modified "$modified"
    field owner "$owner"
    field mode "$mode"
    field method "$method"
    field reason "$reason"
    bare store
    if [ "$method" = native ]; then
        records=$((records + count))
        put "$found"
    elif [ "$method" = sapgenpse ] || [ "$reason" = sapgenpse-failed ]; then
        case $status in
        [0-9]*) field status "$status" ;;
        esac
        record listing "${#listing}"
        put "$listing$newline"
    fi
}

# --- The way through the folders -------------------------------------------------------------------------------------

# visit VISITOR SYSTEM: call VISITOR with a kind and a path for all that is of interest in a folder such as
# /usr/sap/PRD or /usr/sap/webdisp: "search" (a folder in which named files are looked for), "list" (one whose names
# are needed), "instance", "trace", "stores" (a folder of PSEs), "store"; and for what was not looked at: "untraced" (an
# instance without the trace that it should have), "link" (one that leads out of the root), "foreign" (one that belongs
# to somebody else), "limit" (more names than are looked at).  The depth is fixed, so a link that leads in a circle does
# not.
visit() {
    visitor=$1 system=$2 names=0
    "$visitor" list "$system"
    if [ "${system##*/}" = hostctrl ]; then
        instance=$system
        visit_begin || return 0
        "$visitor" search "$instance/exe"
        visit_stores "$instance/exe/sec"
        return
    fi
    instance=$system
    if is_instance "$system"; then # the root is the folder of a system
        visit_instance
        return
    fi
    visit_found "$system"
    for instance in "$system"/*; do
        [ ! -d "$instance" ] || ! is_instance "$instance" || visit_instance
    done
    visit_others "$system" 1
}

# visit_begin: $instance, unless it is a link that somebody else has made.
visit_begin() {
    if [ "$visitor" = send ] && ! is_well_linked "$instance"; then
        "$visitor" foreign "$instance"
        return 1
    fi
    "$visitor" instance "$instance"
}

# is_system PATH: whether its name is that of a system.
is_system() {
    case ${1##*/} in
    [A-Z][A-Z0-9][A-Z0-9]) return 0 ;;
    esac
    return 1
}

# is_instance PATH: whether its name, in a folder with the name of a system, is that of an instance.
is_instance() {
    case ${1##*/} in
    D[0-9][0-9] | DVEBMGS[0-9][0-9] | ASCS[0-9][0-9] | SCS[0-9][0-9] | ERS[0-9][0-9] | J[0-9][0-9] | JC[0-9][0-9] | \
        W[0-9][0-9] | HDB[0-9][0-9]) is_system "${1%/*}" ;;
    *) return 1 ;;
    esac
}

# visit_instance: $instance, whose name tells that it is one.
visit_instance() {
    visit_begin || return 0
    "$visitor" search "$instance"
    traced=0
    [ -x "$instance" ] || traced=1 # not known
    visit_traces "$instance/work"
    visit_stores "$instance/sec"
    case $traced:${instance##*/} in
    ?:HDB*) visit_hana ;;
    0:D* | 0:W*) "$visitor" untraced "$instance" ;; # an ABAP instance or a Web Dispatcher always writes one
    esac
}

# visit_found FOLDER: it is read as an instance if it has what one has, whatever its name.
visit_found() {
    holds "$1" || return 0
    instance=$1
    visit_begin || return 0
    visit_traces "$instance"
    visit_traces "$instance/work"
    visit_stores "$instance"
    visit_stores "$instance/sec"
}

# visit_others FOLDER DEPTH: the same for the folders in it whose names tell nothing, and for those in them, down to
# three levels below the root.  Links are not followed: they may lead anywhere.
visit_others() {
    for entry in "$1"/*; do
        case $entry in
        */'*') [ -e "$entry" ] || continue ;; # there is none
        esac
        names=$((names + 1))
        if [ "$names" -gt "$tg_names" ]; then
            [ "$names" -gt "$((tg_names + 1))" ] || "$visitor" limit "$system"
            return
        fi
        if [ ! -d "$entry" ] || is_passed_over "$entry"; then
            continue
        elif is_instance "$entry"; then
            instance=$entry
            [ "$1" = "$system" ] || visit_instance
        elif [ -h "$entry" ]; then
            ! leads_out "$entry" || "$visitor" link "$entry"
        else
            "$visitor" list "$entry"
            visit_found "$entry"
            [ "$2" -ge 2 ] || visit_others "$entry" "$(($2 + 1))"
        fi
    done
}

# is_passed_over FOLDER: what was looked at with the folder that it is in, or holds nothing of ours for certain.
is_passed_over() {
    case ${1##*/} in
    sec | work) holds "${1%/*}" ;;
    lost+found) ;;
    *) return 1 ;;
    esac
}

# holds FOLDER: whether traces or PSEs lie in it, or where an instance has them.
holds() {
    for path in "$1"/dev_icm "$1"/dev_webdisp "$1"/work/dev_icm "$1"/work/dev_webdisp "$1"/*.pse "$1"/sec/*.pse; do
        case ${path##*/} in
        SecStore*) ;;
        *) [ ! -e "$path" ] || return 0 ;;
        esac
    done
    return 1
}

# leads_out LINK: whether it leads to such a folder, and out of the root.
leads_out() {
    holds "$1" || return
    inside=$(cd -P "$root/" && pwd -P)
    case $(cd -P "$1" && pwd -P) in
    "${inside%/}"/*) return 1 ;;
    esac
}

# HANA keeps traces and PSEs in a folder named after the host.
visit_hana() {
    for part in "$instance"/*; do
        case ${part##*/} in
        exe | work | sec | backup) continue ;;
        esac
        if [ -d "$part" ]; then
            "$visitor" search "$part"
            visit_traces "$part/trace"
            visit_stores "$part/sec"
        fi
    done
}

# is_foreign FOLDER: whether it leads to somebody else's; then that is said.
is_foreign() {
    if [ "$visitor" != send ] || enter "$1"; then
        return 1
    fi
    "$visitor" foreign "$1"
}

visit_traces() {
    [ -d "$1" ] || return 0
    "$visitor" search "$1"
    [ -x "$1" ] || traced=1 # not known
    entered=0
    for path in "$1/dev_icm" "$1/dev_icm.old" "$1/dev_webdisp" "$1/dev_webdisp.old"; do
        if [ -e "$path" ] || [ -h "$path" ]; then
            traced=1
            if [ "$entered" = 0 ]; then
                ! is_foreign "$1" || return 0
                entered=1
            fi
            "$visitor" trace "$path"
        fi
    done
}

visit_stores() {
    [ -d "$1" ] || return 0
    "$visitor" list "$1"
    entered=0
    for path in "$1"/*.pse; do
        case ${path##*/} in
        SecStore*) continue ;; # SecStoreDBKey.pse is no PSE but a key in plain text
        esac
        if [ -e "$path" ] || [ -h "$path" ]; then
            if [ "$entered" = 0 ]; then
                ! is_foreign "$1" || return 0
                entered=1
                "$visitor" stores "$1"
                [ "$visitor" != send ] || return 0
            fi
            "$visitor" store "$path"
        fi
    done
}

# The visitor that sends.
send() {
    case $1 in
    search | list)
        ! is_closed "$1" "$2" || lack not-allowed "$2" "may not look into $2"
        ;;
    instance)
        seen='' any=1 keeper_uid='' keeper=$system_user
        if is_instance "$2"; then
            path=${2%/*}
            field sid "${path##*/}"
            field name "${2##*/}"
        elif [ "$2" = "$root" ]; then
            field name "${2##*/}"
        else
            field name "${2#"$root"/}"
        fi
        field path "$2"
        field user "$login"
        bare instance
        [ "$broken" = 1 ] || about "$2"
        keeper_uid=$uid
        [ "$uid" != 0 ] || is_closed_mode || keeper_uid=
        ;;
    trace) send_trace "$2" ;;
    stores) send_stores "$2" ;;
    untraced) lack no-trace "$2" "no trace was found in $2/work" ;;
    link) lack link "$2" "$2 is a link out of the root and was not followed; add the folder that it leads to to sap_root" ;;
    foreign) lack link "$2" "$2 is a link to what belongs to another user and was not followed" ;;
    limit) lack limit "$2" "the search for instances below $2 ended after $tg_names names" ;;
    esac
}

# The visitor that only sets $found_any if there is something to send.
scout() {
    case $1 in
    search | list) ! is_closed "$1" "$2" || found_any=1 ;;
    stores) ;;
    *) found_any=1 ;;
    esac
}

# The visitor that sets $closed if there is something that this user does not get at.
check() {
    case $closed:$1 in
    0:search | 0:list) is_closed "$1" "$2" || return 0 ;;
    0:trace) [ ! -r "$2" ] || return 0 ;;
    0:store)
        if [ -r "$2" ]; then
            [ -f "$2" ] && [ -n "$encoder" ] || return 0
            file=$2
            about "$file"
            { read_pse; } 7<"$file" 2>/dev/null || return 0
            case $reason in
            needs-pin*) ;; # the owner may have a credential
            *) return 0 ;;
            esac
        fi
        ;;
    *) return 0 ;;
    esac
    closed=1
}

is_closed() {
    if [ ! -d "$2" ] || { [ -x "$2" ] && { [ "$1" = search ] || [ -r "$2" ]; }; }; then
        return 1
    fi
}

# --- Systems ---------------------------------------------------------------------------------------------------------

# find_user SYSTEM: whose it is by its name, into $system_user.
find_user() {
    system_user='' sid=${1##*/}
    if is_instance "$1"; then
        sid=${1%/*}
    fi
    if [ "${1##*/}" = hostctrl ]; then
        system_user=sapadm
    elif is_system "$sid"; then
        sid=${sid##*/}
        middle=${sid#?}
        lower_case "${sid%??}" "${middle%?}" "${sid#??}"
        system_user=${lower}adm
    fi
}

# lower_case CHARACTER...: as small letters into $lower.
lower_case() {
    lower=
    for char in "$@"; do
        before=ABCDEFGHIJKLMNOPQRSTUVWXYZ small=abcdefghijklmnopqrstuvwxyz
        before=${before%%"$char"*}
        if [ ${#before} -lt 26 ]; then
            while [ -n "$before" ]; do
                before=${before#?} small=${small#?}
            done
            char=${small%"${small#?}"}
        fi
        lower=$lower$char
    done
}

# send_system SYSTEM: as whoever can.
send_system() {
    refusal='' found_any=0
    visit scout "$1"
    [ "$found_any" = 1 ] || return 0
    find_user "$1"
    if [ "$tg_become" = 1 ] && [ -n "$system_user" ] && [ "$broken" = 0 ]; then
        closed=0
        [ "$system_user" = "$login" ] || visit check "$1"
        if [ "$closed" = 1 ] && send_system_as "$system_user" "$1"; then
            return
        fi
    fi
    begin_stream "$1" login "$login"
    send_inner visit "$1"
    end_stream "$1" 0 ''
}

# begin_stream SYSTEM THROUGH USER, end_stream SYSTEM STATUS REASON: what is between them is the stream of a system.
begin_stream() {
    field path "$1"
    field user "$3"
    field through "$2"
    bare system
}

end_stream() {
    # shellcheck disable=SC2154
    put "$newline$tg_nonce "
    field path "$1"
    field status "$2"
    field reason "$3"
    bare over
}

# send_inner visit|visit_found FOLDER: the stream of a system.
send_inner() {
    outer=$records records=0 trusting=0
    put "trustgap-system 2$newline"
    case $1 in
    visit) visit send "$2" ;;
    *)
        visitor=send system=$2
        visit_found "$2"
        ;;
    esac
    [ "$trusting" = 0 ] || note 'sapgenpse was run although others can replace it (sap_trust_local_users)'
    put "end 0 records=$records$newline$newline"
    records=$outer
}

# send_system_as USER SYSTEM: one sudo for one system.  The other shell gets this text on its standard input, as this one
# did; on standard error it says that it began.  False if it did not begin.
send_system_as() {
    sudo=sudo
    for path in /usr/local/bin/sudo /opt/freeware/bin/sudo; do
        if ! command -v "$sudo" >/dev/null 2>&1; then
            sudo=$path
        fi
    done
    begin_stream "$2" sudo "$1"
    answer=$(
        {
            if [ -n "$tg_probe" ]; then
                put "system $2${newline}root $root${newline}trace-bytes $tg_trace_bytes${newline}tool-seconds $tg_tool_seconds${newline}trust-users $tg_trust_users${newline}go$newline" |
                    ask_sudo "$1" "$tg_probe"
            else
                put "$tg_script" 2>/dev/null |
                    ask_sudo "$1" /bin/sh -s -- "$2" "$root" "$tg_trace_bytes" "$tg_tool_seconds" "$tg_trust_users"
            fi
        } 5>&1 | until_mark
    )
    ended=${answer##*"$newline"}
    answer=${answer%"$newline"*}
    case $answer in
    *'trustgap-probe began'*)
        case $ended in
        10 | 11) end_stream "$2" "$ended" '' ;;
        *) end_stream "$2" '' "${ended:-failed}" ;;
        esac
        [ "$ended" = 11 ] || any=1
        return
        ;;
    esac
    end_stream "$2" "${ended:-failed}" no-sudo
    answer=$(put "$answer$newline" | awk '/[^ \t\r]/ { printf "%s%s", (count++ ? "; " : ""), $0 }' | head -c 1000)
    refusal="sudo -u $1: ${answer##*; }"
    lack no-sudo "$2" "sudo -u $1 does not work: $answer"
    return 1
}

# ask_sudo USER COMMAND...: with standard input as it is; the last line on descriptor 5 is how it ended.
ask_sudo() {
    who=$1
    shift
    exec 7<&0
    limit=$tg_system_seconds reader=cat beats=0 group=0
    run "$sudo" -n -u "$who" "$@" 6>&3
    put "$newline$tg_nonce $status$newline" >&5
}

# until_mark: what is said on standard input until the line that only this user can write.
until_mark() {
    said=
    while IFS= read -r line; do
        case $line in
        "$tg_nonce "*)
            put "$said$newline${line#* }"
            exit
            ;;
        esac
        [ ${#said} -gt 6000 ] || said="$said$line$newline"
    done
    put "$said$newline"
}

# --- The host's zone -------------------------------------------------------------------------------------------------

# is_rule TEXT: whether it has the form of a POSIX rule: "UTC0", "<-03>3", "CET-1CEST,M3.5.0,M10.5.0/3".  The form only;
# one with summer time has to say when that is (no "EST5EDT"), and "Etc/GMT+5" is a name.
is_rule() {
    case $1 in
    *[!A-Za-z0-9.,:/+\<\>-]* | *[!0-9]) return 1 ;;
    '<'*'>'*) rest=${1#*'>'} ;;
    [A-Za-z]*) rest=${1#"${1%%[!A-Za-z]*}"} ;;
    *) return 1 ;;
    esac
    case $rest in
    *,*,*,*) return 1 ;;
    [-+0-9]*,[MJ0-9]*,[MJ0-9]*) ;;
    [-+0-9]*)
        case $rest in
        ?*[!0-9:]*) return 1 ;;
        esac
        ;;
    *) return 1 ;;
    esac
    [ ${#1} -le 100 ]
}

# zone_rule: the rule of the host's zone, into $rule; empty if there is none.  It is the last line of a table of zones
# (TZif, from version 2 on), which is binary above: what is no text is made so before a shell sees it.
zone_rule() {
    rule=${TZ-}
    ! is_rule "$rule" || return 0
    rule=
    path=${TZ-/etc/localtime}
    path=${path#:}
    case $path in
    '' | *..*) return ;;
    /*) ;;
    *)
        for folder in /usr/share/zoneinfo /usr/share/lib/zoneinfo; do # the second is AIX's
            [ ! -f "$folder/$path" ] || break
        done
        path=$folder/$path
        ;;
    esac
    [ -f "$path" ] || return 0
    about "$path"
    case $size in
    '' | ???????*) return ;; # such a table has some KiB
    esac
    rule=$(tail -n 1 "$path" 2>/dev/null | tr -c '\012\040-\176' '[?*]')
    is_rule "$rule" || rule=
}

# --- Main ------------------------------------------------------------------------------------------------------------

hello() {
    if [ "$broken" = 0 ]; then
        clock=1 after=2 turn=0
        while [ "$clock" != "$after" ] && [ "$turn" -lt 5 ]; do # until they are of one second
            turn=$((turn + 1))
            clock=$(date -u +%Y%m%d%H%M%S) there=$(date +%Y%m%d%H%M%S) after=$(date -u +%Y%m%d%H%M%S)
        done
        zone=${TZ:-}
        if [ -z "$zone" ] && [ -h /etc/localtime ]; then
            # shellcheck disable=SC2012
            zone=$(TZ=UTC0 ls -l /etc/localtime 2>/dev/null)
            case $zone in
            *' -> '*/zoneinfo/*) zone=${zone##*/zoneinfo/} ;;
            *) zone= ;;
            esac
        fi
        field clock "$clock"
        field local "$there"
        field zone "${zone:-$(date +%Z)}"
        zone_rule
        field rule "$rule"
        field system "$(uname -srm)"
        field login "$login"
    fi
    bare hello
}

# self_test: say which tools are missing, or do not what they should.  $broken: nothing can be started at all, and every
# file is reported with $broken_why as the reason.
self_test() {
    lacking=
    if [ "$broken" = 1 ]; then
        lacking=,processes
    else
        if [ "$tools_work" = 0 ]; then
            check_tool awk "$(awk 'BEGIN { printf "%s%.0f", substr("abc", 2, 1), 1048576 * 1048576 }' 2>/dev/null)" \
                b1099511627776
            check_tool dd "$(put abcdef | dd bs=3 count=2 2>/dev/null)" abcdef
            check_tool head "$(put abcdef | head -c 3 2>/dev/null)" abc
            check_tool tail "$(put abcdef | tail -c +5 2>/dev/null)" ef
            check_tool tr "$(put abc | tr b x 2>/dev/null)" axc
            check_tool cat "$(put abc | cat 2>/dev/null)" abc
            [ -n "$lacking" ] || lacking=,processes
        fi
        [ -n "$encoder" ] || lacking=$lacking,base64
        [ "$stat" != ls ] || [ "$(uname -s)" = AIX ] || lacking=$lacking,stat
    fi
    field encoder "$encoder"
    field missing "${lacking#,}"
    field nice "$niced"
    bare self-test
    lacking=${lacking#,}
    while [ -n "$lacking" ]; do
        if [ "$broken" = 1 ]; then
            lack no-tool "${tg_root%%:*}" "no process can be started on the host: it runs too many, or this user may have no more"
        else
            lack no-tool "${tg_root%%:*}" "$(say_lack "${lacking%%,*}")"
        fi
        case $lacking in
        *,*) lacking=${lacking#*,} ;;
        *) lacking= ;;
        esac
    done
}

# check_tool NAME GOT WANTED
check_tool() {
    [ "$2" = "$3" ] || lacking=$lacking,$1
}

say_lack() {
    case $1 in
    base64) put 'base64 is missing on the host, and so are openssl, uuencode and od: no PSE can be read' ;;
    stat) put 'stat is missing on the host, and so is perl: times and devices of files are not known' ;;
    *) put "$1 is missing on the host, or does not work" ;;
    esac
}

send_host() {
    roots=$tg_root
    while [ -n "$roots" ]; do
        root=${roots%%:*}
        case $roots in
        *:*) roots=${roots#*:} ;;
        *) roots= ;;
        esac
        root=${root%/}
        send_root
    done
}

# send_root: all that is below $root, which is empty for the root of the file system.
send_root() {
    case $root in
    '' | /*) ;;
    *)
        lack no-folder "$root" "not an absolute path: $root"
        return
        ;;
    esac
    if [ ! -e "$root/" ]; then
        if [ -e "$root" ]; then
            lack no-folder "$root" "$root is no folder"
        else
            lack no-folder "$root" "there is no folder $root"
        fi
        return
    fi
    any=0 visitor=send system=$root refusal='' tops=0
    send list "${root:-/}"
    if holds "$root"; then
        find_user "$root"
        begin_stream "${root:-/}" login "$login"
        send_inner visit_found "$root"
        end_stream "${root:-/}" 0 ''
    fi
    for top in "$root"/*; do
        tops=$((tops + 1))
        if [ "$tops" -gt "$tg_names" ]; then
            send limit "$root"
            break
        fi
        if [ ! -d "$top" ] || is_passed_over "$top"; then
            continue
        fi
        if [ ! -h "$top" ] || is_system "$top" || [ "${top##*/}" = hostctrl ]; then
            send_system "$top"
        elif leads_out "$top"; then
            send link "$top"
        fi
    done
    [ "$any" = 1 ] || lack no-instance "$root" "no instance was found below ${root:-/}"
}

# choose_path: the folders of PATH in which nobody but root and this user can replace anything, then the usual ones.
choose_path() {
    given=$PATH good=
    PATH=/usr/bin:/bin:/usr/sbin:/sbin
    while [ -n "$given" ]; do
        entry=${given%%:*}
        case $given in
        *:*) given=${given#*:} ;;
        *) given= ;;
        esac
        case $entry in
        /usr/bin | /bin | /usr/sbin | /sbin) good="$good:$entry" ;;
        /usr/local/* | /usr/games | /snap/*) ;; # has nothing that is needed
        /*) ! is_ours "$entry/." || good="$good:$entry" ;;
        esac
    done
    good=${good#:}
    PATH=${good:+$good:}/usr/bin:/bin:/usr/sbin:/sbin
    [ ! -d /opt/freeware/bin ] || ! is_ours /opt/freeware/bin/. || PATH=$PATH:/opt/freeware/bin
    export PATH
}

# set_up: what holds for this process, and what this host can do.
set_up() {
    newline='
'
    control=$(printf '\001')
    unset IFS
    LC_ALL=C
    export LC_ALL
    unset CDPATH ENV BASH_ENV LD_PRELOAD LD_LIBRARY_PATH LIBPATH 2>/dev/null
    # shellcheck disable=SC3045
    ulimit -c 0 2>/dev/null # sapgenpse has secrets in its memory
    cd / || exit 1
    fields='' records=0 trusting=0 met=0 keeper='' keeper_uid='' hands='' placed=0 broken=0 broken_why='' encoder='' stat=ls
    system_user='' refusal='' beats=1 uid='' grouper='' group=0 open_stat=0 login='' my_uid='' niced=
    : "${tg_trace_bytes:=67108864}" "${tg_become:=0}" "${tg_tool_seconds:=30}" "${tg_script:=}" "${tg_names:=100000}" \
        "${tg_trust_users:=0}" "${tg_probe:=}" "${tg_system_seconds:=540}" "${tg_beat_seconds:=5}" \
        "${tg_objects:=20000}" "${tg_listing_bytes:=16777216}"
    choose_put
    my_uid=$(PATH=/usr/bin:/bin id 2>/dev/null)
    case $my_uid in
    uid=[0-9]*)
        my_uid=${my_uid#uid=} login=${my_uid%%' '*}
        my_uid=${my_uid%%[!0-9]*} login=${login#"$my_uid"}
        login=${login#'('}
        login=${login%')'}
        ;;
    *) my_uid= ;;
    esac
    : "${login:=$my_uid}"
    choose_path
    ! renice -n 19 -p "$$" >/dev/null 2>&1 || niced=1
    # One that is as deep as any that comes, of all tools.
    tools_work=1
    if [ -z "$my_uid" ] || [ "$(put abcdefgh | dd bs=4 count=2 2>/dev/null | tail -c +2 | head -c 4 | tr b x | cat | awk '
        { printf "%s%.0f", substr($0, 2, 3), 1048576 * 1048576 }' 2>/dev/null)" != cde1099511627776 ]; then
        tools_work=0
        if [ -z "$my_uid" ] || [ "$(put ok | cat | (cat | (cat | cat)) 2>/dev/null)" != ok ]; then
            broken=1 broken_why='no-tool processes'
            return
        fi
    fi
    choose_stat
    choose_group
    choose_encoder
}

# main: the whole host; main SYSTEM ROOT TRACE_BYTES TOOL_SECONDS TRUST_USERS: one system, below sudo.  With
# $tg_installed these come on standard input.
main() {
    if [ "${tg_installed-}" = 1 ]; then
        read_parameters || exit 64
        set -- "$tg_system" "$tg_root" "$tg_trace_bytes" "$tg_tool_seconds" "$tg_trust_users"
        exec </dev/null
    fi
    if [ $# -eq 5 ]; then
        echo 'trustgap-probe began' >&2
        root=$2 tg_trace_bytes=$3 tg_tool_seconds=$4 tg_trust_users=$5 any=0
        set_up
        exec 3>&1
        find_user "$1"
        send_inner visit "$1"
        [ "$any" = 1 ] || exit 11
        exit 10
    fi
    : "${tg_root:=/usr/sap}"
    set_up
    exec 3>&1
    put "trustgap-probe 2 $tg_nonce$newline"
    hello
    self_test
    send_host
    put "end 0 records=$records$newline$newline"
}

# read_parameters: lines "NAME VALUE" up to "go".  They are numbers and paths, and never evaluated.
read_parameters() {
    tg_system='' tg_root='' tg_trace_bytes='' tg_tool_seconds='' tg_trust_users=0
    while IFS= read -r line; do
        case $line in
        'system /'*) tg_system=${line#* } ;;
        'root /'* | 'root ') tg_root=${line#* } ;;
        'trace-bytes '*[!0-9]* | 'tool-seconds '*[!0-9]*) return 1 ;;
        'trace-bytes '?*) tg_trace_bytes=${line#* } ;;
        'tool-seconds '?*) tg_tool_seconds=${line#* } ;;
        'trust-users '[01]) tg_trust_users=${line#* } ;;
        go) break ;;
        *) return 1 ;;
        esac
    done
    [ "$line" = go ] && [ -n "$tg_system" ] && [ -n "$tg_trace_bytes" ] && [ -n "$tg_tool_seconds" ]
}

if [ "${tg_installed-}" = 1 ]; then
    main
else
    main "$@" </dev/null
fi
exit
}
