# The probe: what one host is asked, in one go.  It comes on the standard input of /bin/sh, answers on standard output
# in records (docs/formats/probe.md), changes nothing and leaves nothing behind.
#
# It has to run in any POSIX shell on Linux and AIX, so: no local variables, no GNU options without another way, no
# temporary files (hence no here-documents, which some shells write to disk).  What a host gives (names, contents) is
# data: it is never evaluated, and it leaves only encoded or counted.  Nothing that runs reads the standard input, which
# is this text.
#
# The order here: records, files, traces, PSEs, sapgenpse, the way through the folders, sudo, the zone, main.
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
    *[!A-Za-z0-9._/:+,@-]*) fields="$fields $1=$(put "$2" | encode)" ;;
    *) fields="$fields $1=$2" ;;
    esac
}

encode() {
    od -An -v -tu1 | awk '
        BEGIN { plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/:+,@-" }
        {
            for (i = 1; i <= NF; i++) {
                if ($i < 127 && index(plain, sprintf("%c", $i + 0)) > 0) printf "%c", $i + 0
                else printf "%%%02X", $i
            }
        }'
}

# record TYPE LENGTH: the header line, with the fields.  LENGTH bytes and a line feed have to follow.
record() {
    records=$((records + 1))
    echo "$1 $2$fields"
    fields=
}

# bare TYPE: a record without bytes.
bare() {
    record "$1" 0
    echo
}

# note TEXT
note() {
    field text "$1"
    bare note
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

# emit CHUNKS: the bytes that the lines of CHUNKS, but the first, stand for: octal escapes and nothing else.
emit() {
    set -f
    IFS=$newline
    # shellcheck disable=SC2086
    set -- $1
    IFS=$blanks
    set +f
    shift
    for chunk in "$@"; do
        # shellcheck disable=SC2059
        printf "$chunk"
    done
}

# --- Files -----------------------------------------------------------------------------------------------------------

choose_stat() {
    if stat -L -c %i / >/dev/null 2>&1; then
        stat=stat
    elif perl -e 1 >/dev/null 2>&1; then
        stat=perl
    else
        stat='ls'
    fi
}

# about PATH: what is known of a file, into $device $inode $size $modified $mode $owner.  No file, no $inode.
about() {
    set -f
    # shellcheck disable=SC2046,SC2012
    case $stat in
    stat)
        set -- $(stat -L -c '%d %i %s %Y %a %u %U' "$1" 2>/dev/null)
        ;;
    perl)
        set -- $(perl -e '
            my @s = stat($ARGV[0]) or exit 1;
            printf "%s %s %s %s %o %s %s", @s[0, 1, 7, 9], $s[2] & 07777, $s[4], getpwuid($s[4]) || "";
        ' "$1" 2>/dev/null)
        ;;
    ls) # neither device nor time in a form that can be read
        set -- $(ls -dinL "$1" 2>/dev/null)
        set -- '' "${1-}" "${6-}" '' '' "${4-}"
        ;;
    esac
    set +f
    device=${1-} inode=${2-} size=${3-} modified=${4-} mode=${5-} owner=${6-}
    if [ $# -gt 6 ]; then # a name may have blanks
        shift 6
        [ "$*" = UNKNOWN ] || owner=$*
    fi
}

# is_new: whether $device and $inode were not met in this instance before.
is_new() {
    [ -n "$device" ] || return 0
    case $seen in
    *" $device:$inode "*) return 1 ;;
    esac
    seen="$seen $device:$inode "
}

# can_open PATH: access(2) is not the whole truth (root on NFS), so try.  Not for a FIFO.
can_open() {
    [ -r "$1" ] && (: <"$1") 2>/dev/null
}

# not_allowed: why what cannot be opened cannot.
not_allowed() {
    put "not-allowed${refusal:+ ($refusal)}"
}

# --- Traces ----------------------------------------------------------------------------------------------------------

# send_trace PATH: the end of a trace, $tg_trace_bytes of it at most.
send_trace() {
    file=$1
    about "$file"
    if [ -z "$inode" ] || ! is_new; then
        return
    fi
    field instance "$instance"
    field path "$file"
    reason=
    if [ ! -f "$file" ]; then
        reason=not-a-file
    elif ! can_open "$file"; then
        reason=$(not_allowed)
    fi
    if [ -n "$reason" ]; then
        field reason "$reason"
        bare trace-unread
        return
    fi

    # awk counts to 2^53, some shells to 2^31.
    # shellcheck disable=SC2046
    set -- $(awk -v size="$size" -v limit="$tg_trace_bytes" 'BEGIN {
        from = size - limit
        if (from < 0) from = 0
        block = int(from / 65536)
        printf "%.0f %.0f %.0f %.0f", from, size - from, block, from - block * 65536
    }')
    length=$2
    field device "$device"
    field inode "$inode"
    field size "$size"
    field modified "$modified"
    field from "$1"
    record trace "$length"
    [ "$length" = 0 ] || trace_bytes "$3" "$4" | head -c "$length"
    echo

    about "$file"
    field path "$file"
    field inode "$inode"
    field size "${size:-0}"
    bare trace-after
}

# trace_bytes BLOCK REST: $file from that byte on, then at least $length NULs: the record has said how many bytes come,
# and a trace may be rotated or cut meanwhile.
trace_bytes() {
    if [ "$2" = 0 ]; then
        dd if="$file" bs=65536 skip="$1" 2>/dev/null
    else
        dd if="$file" bs=65536 skip="$1" 2>/dev/null | tail -c "+$(($2 + 1))"
    fi
    head -c "$length" /dev/zero 2>/dev/null
}

# --- PSEs: ASN.1 -----------------------------------------------------------------------------------------------------
#
# A PSE without PIN is plain ASN.1 with the private key in it (docs/formats/pse.md).  Its structure is walked by reading
# tags and lengths; of the objects in it only two are looked into, chosen by their identifiers.  They are read into
# memory, checked there to be certificates and nothing else, and what was checked is what goes out: a file that is
# damaged, forged, or replaced in mid-reading yields certificates or nothing.

# look AT COUNT: read these bytes of $file, as decimal numbers, into the window.
look() {
    window=$1
    bytes=$(od -An -v -tu1 -j "$1" -N "$2" "$file" 2>/dev/null)
    # shellcheck disable=SC2086
    set -- $bytes
    held=$#
}

# five AT: the five bytes of $file from there into $b1 to $b5; 256, which fits nowhere, for what is behind its end.
five() {
    if [ "$1" -lt "$window" ] || [ "$(($1 + 5))" -gt "$((window + held))" ]; then
        look "$1" 5
    fi
    offset=$(($1 - window))
    # shellcheck disable=SC2086
    set -- $bytes 256 256 256 256 256
    shift "$offset"
    b1=$1 b2=$2 b3=$3 b4=$4 b5=$5
}

# element AT END: the element of $file that begins at AT: its tag, where its value begins, where the next one would.
# False if it does not end by END.  Lengths have at most three bytes; the indefinite form is refused.
element() {
    [ "$1" -lt "$2" ] || return
    five "$1"
    tag=$b1
    case $b2 in
    129) value=$(($1 + 3)) next=$((value + b3)) ;;
    130) value=$(($1 + 4)) next=$((value + b3 * 256 + b4)) ;;
    131) value=$(($1 + 5)) next=$((value + b3 * 65536 + b4 * 256 + b5)) ;;
    *)
        [ "$b2" -lt 128 ] || return
        value=$(($1 + 2)) next=$((value + b2))
        ;;
    esac
    [ "$next" -le "$2" ]
}

# expect TAG AT END: the same, and its tag is TAG.
expect() {
    where=$2
    element "$2" "$3" && [ "$tag" -eq "$1" ]
}

# fills END: the element that was read last ends there.
fills() {
    [ "$next" -eq "$1" ]
}

# walk: find the trust list and the own certificate in $file, which has $size bytes.  Sets $reason, empty if it went
# well, and $where it stopped; then $list_at (empty: no such object) and $list_size, $own_at and $own_size.
walk() {
    list_at='' list_size=0 own_at='' own_size=0
    reason=no-pse
    look 0 64
    expect 48 0 99999999 || return
    whole=$next
    expect 2 "$value" 99999999 || return
    five "$value"
    case $((next - value)):$b1:$b2 in
    1:2:*) version=2 ;;
    1:4:*) version=4 ;;
    2:1:0) version=256 ;;
    *256*) return ;; # the file ends here
    *)
        reason=unknown-version
        return
        ;;
    esac

    reason=damaged
    [ "$whole" -eq "$size" ] && element "$next" "$size" && fills "$size" || return
    case $version:$tag in
    2:48) walk_content "$value" "$size" ;;
    4:163) walk_version_4 ;;
    2:160) reason=needs-pin ;;
    256:160) reason='needs-pin (LPS)' ;;
    esac
}

# Version 4: a flag (0: no PIN), an algorithm, the content in an OCTET STRING, a check value.
walk_version_4() {
    expect 2 "$value" "$size" || return
    five "$value"
    if [ "$((next - value)):$b1" != 1:0 ]; then
        reason=needs-pin
        return
    fi
    expect 48 "$next" "$size" && expect 4 "$next" "$size" || return
    content=$value content_end=$next
    expect 4 "$next" "$size" && fills "$size" || return
    expect 48 "$content" "$content_end" && fills "$content_end" && walk_content "$value" "$content_end"
}

# walk_content AT END: an algorithm, a time, perhaps the number 1, the SET OF objects.
walk_content() {
    end=$2
    expect 48 "$1" "$end" && expect 24 "$next" "$end" && element "$next" "$end" || return
    if [ "$tag" -eq 2 ]; then
        element "$next" "$end" || return
    fi
    [ "$tag" -eq 49 ] && fills "$end" || return
    at=$value
    while [ "$at" -lt "$end" ]; do
        walk_object || return
    done
    reason=
}

# The object at $at; $at moves behind it before anything else, whatever is in it.  The two windows are such that in an
# object that is not ours nothing behind its identifier is read.
walk_object() {
    look "$at" 9
    expect 48 "$at" "$end" || return
    at=$next
    expect 19 "$value" "$at" || return # its name, which anybody may choose
    look "$next" 24
    expect 24 "$next" "$at" && expect 6 "$next" "$at" || return
    five "$value"
    case $((next - value)):$b1.$b2.$b3.$b4.$b5 in
    5:43.36.2.1.3) # Cert
        [ -z "$own_at" ] || return
        own_at=$next own_size=$((at - next))
        ;;
    5:43.36.2.6.1) # PKList
        [ -z "$list_at" ] && expect 49 "$next" "$at" && fills "$at" || return
        list_at=$value list_size=$((next - value))
        ;;
    esac
}

# certificates AT SIZE: read these bytes of $file; if they are certificates, one behind the other, write how many, and
# then what emit() takes.  If they are anything else write nothing.  A certificate is SEQUENCE { SEQUENCE { [0] or
# INTEGER ... }, SEQUENCE, BIT STRING }, all lengths fitting; a private key begins in another way.
certificates() {
    od -An -v -to1 -j "$1" -N "$2" "$file" 2>/dev/null | tr -s ' ' "\\\\" | awk -v size="$2" '
        function octet(number) { # the next one of a header
            if (got == 0) {
                tag = number
                got = 1
                return
            }
            if (got == 1) {
                got = 2
                count = more = 0
                if (number < 128) count = number
                else if (number > 128 && number < 132) more = number - 128
                else bad = 1
            } else {
                count = count * 256 + number
                more--
            }
            if (more == 0) {
                got = 0
                element(at, at + count)
            }
        }
        function element(value, next_at) {
            if (part == 0) {
                good = tag == 48 && next_at <= size + 0
                whole = next_at
            } else if (part == 1) {
                good = tag == 48 && next_at <= whole
                body = next_at
            } else if (part == 2) {
                good = (tag == 160 || tag == 2) && next_at <= body
                at = body
            } else if (part == 3) {
                good = tag == 48 && next_at <= whole
                at = next_at
            } else {
                good = tag == 3 && next_at == whole
                at = next_at
                found++
            }
            part = (part + 1) % 5
            if (!good) bad = 1
        }
        {
            sub(/\\$/, "")
            if ($0 == "") next
            if ($0 !~ /^(\\[0-7][0-7][0-7])+$/) bad = 1
            here = length($0) / 4
            while (!bad && at < seen + here) {
                i = 4 * (at - seen) + 2
                at++
                octet(64 * substr($0, i, 1) + 8 * substr($0, i + 1, 1) + substr($0, i + 2, 1))
            }
            if (bad) exit
            seen += here
            text = text $0
            if (++lines % 256 == 0) {
                chunks[++last] = text
                text = ""
            }
        }
        END {
            if (bad || part != 0 || got != 0 || at != seen || seen != size + 0) exit
            print found + 0
            for (i = 1; i <= last; i++) print chunks[i]
            if (text != "") print text
        }'
}

# read_pse: the certificates of $file into $trusted and $own, or the $reason why not.
read_pse() {
    trusted=0 own=
    walk
    if [ -n "$reason" ]; then
        return
    fi
    reason=unknown-form
    if [ "$list_size" -gt 0 ]; then
        where=$list_at
        trusted=$(certificates "$list_at" "$list_size")
        [ -n "$trusted" ] || return
    fi
    if [ -n "$own_at" ]; then
        where=$own_at
        own=$(certificates "$own_at" "$own_size")
        count=${own%%"$newline"*}
        [ "$count" = 1 ] || return
    fi
    reason=
}

# --- PSEs: sapgenpse -------------------------------------------------------------------------------------------------

# ask [-x PIN]: what $tool says of $file, both streams, into $listing, its exit status into $status.  It gets no
# terminal, no input, and $tg_tool_seconds; there is no timeout(1) on AIX.  cred_v2 is looked for in SECUDIR.
ask() {
    listing=$(
        {
            cd "${file%/*}" || exit
            env LC_ALL=C TZ=UTC USER="$login" SECUDIR="${file%/*}" LD_LIBRARY_PATH="${tool%/*}" LIBPATH="${tool%/*}" \
                "$tool" maintain_pk -l -p "$file" "$@" </dev/null 2>&1 &
            child=$!
            { # in small steps, so that nothing of it stays longer than a second
                left=$tg_tool_seconds
                while [ "$left" -gt 0 ]; do
                    sleep 1
                    left=$((left - 1))
                done
                kill -9 "$child"
            } >/dev/null &
            watcher=$!
            wait "$child"
            status=$?
            kill -9 "$watcher"
            wait "$watcher"
            echo
            echo "status=$status"
        } 2>/dev/null
    )
    status=${listing##*"$newline"status=}
    listing=${listing%"$newline"status=*}
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
    [ "$status" -gt 128 ]
}

# is_ours PROGRAM: it, and the folder from which its libraries come, belong to root or to the user that this runs as.
is_ours() {
    for path in "$1" "${1%/*}"; do
        about "$path"
        case $owner in
        root | 0 | "$login" | "$uid") ;;
        *) return 1 ;;
        esac
    done
}

# list_pse: let sapgenpse list what could not be read natively, for which $reason is the reason.  Sets $method, or
# completes $reason.
list_pse() {
    asked=0 why='no sapgenpse was found'
    for tool in "$instance/exe" "$instance" "${instance%/*}/SYS/exe/run" "$root/hostctrl/exe" \
        "${instance%/*}/SYS/global/security/lib"*; do
        tool=$tool/sapgenpse
        if [ ! -f "$tool" ] || [ ! -x "$tool" ]; then
            continue
        fi
        # Anybody may make a folder that looks like an instance where all may write.
        if { [ "$uid" = 0 ] || ! is_instance "$instance"; } && ! is_ours "$tool"; then
            why='a sapgenpse that others may replace is not run'
            continue
        fi
        ask
        if ! is_listing && wants_pin; then
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
    *:damaged | *:unknown*) reason="$reason at byte $where" ;;
    0:*) reason="$reason ($why)" ;;
    1:*) wants_pin || reason=sapgenpse-failed ;;
    esac
}

# --- PSEs ------------------------------------------------------------------------------------------------------------

# try_pse: read $file in one way or another; nothing goes out yet.
try_pse() {
    method=none
    if [ ! -f "$file" ]; then
        reason=no-pse
    elif ! can_open "$file"; then
        reason=$(not_allowed)
    elif [ "${#size}" -gt 7 ] || [ "$size" -gt 8388608 ]; then
        reason=too-large
    else
        read_pse
        case $reason in
        '') method=native ;;
        no-pse) ;;
        *) list_pse ;;
        esac
    fi
}

send_store() {
    file=$1
    about "$file"
    if [ -z "$inode" ] || ! is_new; then
        return
    fi
    # shellcheck disable=SC2034
    for attempt in 1 2; do
        before="$device $inode $size $modified"
        try_pse
        about "$file"
        if [ -n "$inode" ] && [ "$before" = "$device $inode $size $modified" ]; then
            break
        fi
        method=none reason=changed
    done

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
        count=${trusted%%"$newline"*}
        field count "$count"
        record trusted "$list_size"
        emit "$trusted"
        echo
        if [ -n "$own" ]; then
            record own "$own_size"
            emit "$own"
            echo
        fi
    elif [ "$method" = sapgenpse ] || [ "$reason" = sapgenpse-failed ]; then
        field status "$status"
        # shellcheck disable=SC2046
        record listing $(put "$listing" | wc -c)
        put "$listing"
        echo
    fi
}

# --- The way through the folders -------------------------------------------------------------------------------------

# visit VISITOR SYSTEM: call VISITOR with a kind and a path for all that is of interest in a folder such as
# /usr/sap/PRD or /usr/sap/webdisp: "search" (a folder in which named files are looked for), "list" (one whose names
# are needed), "instance", "trace", "store"; and for what was not looked at: "untraced" (an instance without the trace
# that it should have), "link" (one that leads out of the root), "limit" (more names than are looked at).  The depth is
# fixed, so a link that leads in a circle does not.
visit() {
    visitor=$1 system=$2 names=0
    "$visitor" list "$system"
    if [ "${system##*/}" = hostctrl ]; then
        instance=$system
        "$visitor" instance "$instance"
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
    "$visitor" instance "$instance"
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
    "$visitor" instance "$instance"
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

visit_traces() {
    [ -d "$1" ] || return 0
    "$visitor" search "$1"
    [ -x "$1" ] || traced=1 # not known
    for path in "$1/dev_icm" "$1/dev_icm.old" "$1/dev_webdisp" "$1/dev_webdisp.old"; do
        if [ -e "$path" ]; then
            traced=1
            "$visitor" trace "$path"
        fi
    done
}

visit_stores() {
    [ -d "$1" ] || return 0
    "$visitor" list "$1"
    for path in "$1"/*.pse; do
        case ${path##*/} in
        SecStore*) continue ;; # SecStoreDBKey.pse is no PSE but a key in plain text
        esac
        [ ! -e "$path" ] || "$visitor" store "$path"
    done
}

# The visitor that sends.
send() {
    case $1 in
    search | list)
        ! is_closed "$1" "$2" || lack not-allowed "$2" "may not look into $2"
        ;;
    instance)
        seen='' any=1
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
        ;;
    trace) send_trace "$2" ;;
    store) send_store "$2" ;;
    untraced) lack no-trace "$2" "no trace was found in $2/work" ;;
    link) lack link "$2" "$2 is a link out of the root and was not followed; add the folder that it leads to to sap_root" ;;
    limit) lack limit "$2" "the search for instances below $2 ended after $tg_names names" ;;
    esac
}

# lack REASON PATH TEXT: a note of what was not looked at.
lack() {
    field reason "$1"
    field path "$2"
    note "$3"
}

# The visitor that sets $closed if there is something that this user does not get at.
check() {
    case $closed:$1 in
    0:search | 0:list) is_closed "$1" "$2" || return 0 ;;
    0:trace) [ ! -r "$2" ] || return 0 ;;
    0:store)
        if [ -r "$2" ]; then
            [ -f "$2" ] || return 0
            file=$2
            about "$file"
            walk
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

# --- sudo ------------------------------------------------------------------------------------------------------------

# send_system SYSTEM: as whoever can.
send_system() {
    refusal='' user='' sid=${1##*/}
    if is_instance "$1"; then
        sid=${1%/*}
    fi
    if [ "${1##*/}" = hostctrl ]; then
        user=sapadm
    elif is_system "$sid"; then
        user=$(put "${sid##*/}" | tr '[:upper:]' '[:lower:]')adm
    fi
    if [ "$tg_become" = 1 ] && [ -n "$user" ]; then
        closed=0
        [ "$user" = "$login" ] || visit check "$1"
        if [ "$closed" = 1 ] && send_system_as "$user" "$1"; then
            return
        fi
    fi
    visit send "$1"
}

# send_system_as USER SYSTEM: one sudo for one system.  The other shell gets this text on its standard input, as this one
# did, and writes to the same standard output; on standard error it says that it began and how many records it wrote.
# False if it did not begin.  If it began and did not end there is no way on, and no last record.
send_system_as() {
    sudo=sudo
    for path in /usr/local/bin/sudo /opt/freeware/bin/sudo; do
        if ! command -v "$sudo" >/dev/null 2>&1; then
            sudo=$path
        fi
    done
    {
        answer=$(put "$tg_script" 2>/dev/null |
            "$sudo" -n -u "$1" /bin/sh -s -- "$2" "$root" "$tg_trace_bytes" "$tg_tool_seconds" 2>&1 >&3 3>&-)
    } 3>&1
    case $answer in
    *'trustgap-probe began'*'trustgap-probe records='*) ;;
    *'trustgap-probe began'*) exit 1 ;;
    *)
        answer=$(put "$answer$newline" | awk '/[^ \t\r]/ { printf "%s%s", (count++ ? "; " : ""), $0 }' | head -c 1000)
        refusal="sudo -u $1: ${answer##*; }"
        lack no-sudo "$2" "sudo -u $1 does not work: $answer"
        return 1
        ;;
    esac
    any=1
    answer=${answer##*trustgap-probe records=}
    answer=${answer%%[!0-9]*}
    records=$((records + answer))
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
    clock=1 after=2
    while [ "$clock" != "$after" ]; do # until they are of one second
        clock=$(date -u +%Y%m%d%H%M%S) there=$(date +%Y%m%d%H%M%S) after=$(date -u +%Y%m%d%H%M%S)
    done
    zone=${TZ:-}
    # shellcheck disable=SC2012
    [ -n "$zone" ] || zone=$(ls -l /etc/localtime 2>/dev/null | sed -n 's|.* -> .*/zoneinfo/||p')
    field clock "$clock"
    field local "$there"
    field zone "${zone:-$(date +%Z)}"
    zone_rule
    field rule "$rule"
    field system "$(uname -s) $(uname -r) $(uname -m)"
    field login "$login"
    bare hello
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
    visit_found "$root"
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

# main: the whole host; main SYSTEM ROOT TRACE_BYTES TOOL_SECONDS: one system, below sudo.
main() {
    newline='
'
    blanks=" $(printf '\t')$newline"
    IFS=$blanks
    LC_ALL=C
    export LC_ALL
    # shellcheck disable=SC3045
    ulimit -c 0 2>/dev/null # sapgenpse has secrets in its memory
    cd / || exit 1
    choose_put
    choose_stat
    login=$(id -un) uid=$(id -u)
    fields='' records=0 tg_most_names=100000

    if [ $# -eq 4 ]; then
        root=$2 tg_trace_bytes=$3 tg_tool_seconds=$4 tg_names=$tg_most_names refusal=''
        echo 'trustgap-probe began' >&2
        visit send "$1"
        echo "trustgap-probe records=$records" >&2
        return
    fi

    : "${tg_root:=/usr/sap}" "${tg_trace_bytes:=67108864}" "${tg_become:=0}" "${tg_tool_seconds:=30}" "${tg_script:=}" \
        "${tg_names:=$tg_most_names}"
    # shellcheck disable=SC2154
    echo "trustgap-probe 1 $tg_nonce"
    hello
    send_host
    echo "end 0 records=$records"
    echo
}

main "$@" </dev/null
exit
}
