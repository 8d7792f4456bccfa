# shellcheck shell=sh
# For tools/demo and tools/test, which read it with ".": build into a folder and be quiet unless that fails.

# build FOLDER COMPILER OPTION...: configure FOLDER (once, or again if the source has moved) and compile there.
build() {
    folder=$1 compiler=$2
    shift 2
    if [ ! -f "$folder/build.ninja" ] || [ "$(cat "$folder/source" 2>/dev/null)" != "$PWD" ]; then
        rm -rf "$folder"
        CC=$compiler meson setup "$folder" "$@" >"$folder.log" 2>&1 || {
            cat "$folder.log" >&2
            rm -rf "$folder" "$folder.log"
            return 1
        }
        mv "$folder.log" "$folder/setup.log"
        pwd >"$folder/source"
    fi
    ninja -C "$folder" -j "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)" >"$folder/build.log" 2>&1 || {
        grep -v '^\[[0-9]*/[0-9]*\] [A-Z]' "$folder/build.log" | head -n 100 >&2
        return 1
    }
}
