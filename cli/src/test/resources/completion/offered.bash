# SCRIPT LINE: what bash offers behind LINE.
. "$1"
read -ra COMP_WORDS <<<"$2"
case $2 in *' ') COMP_WORDS+=('') ;; esac
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_job_worker
printf '%s\n' "${COMPREPLY[@]}"
