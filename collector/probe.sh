# Stands in for the probe until the real one is here: says hello and ends.
printf 'trustgap-probe 1 %s\n' "$tg_nonce"
printf 'hello 0 clock=%s login=%s\n\n' "$(date -u +%Y%m%d%H%M%S)" "$(id -un)"
printf 'end 0 records=1\n\n'
