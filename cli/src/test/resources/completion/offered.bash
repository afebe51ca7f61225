# SCRIPT LINE: the words that bash offers behind LINE, whole.
. "$1"
COMP_LINE=$2
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
read -ra COMP_WORDS <<<"$(sed 's/[=:]/ & /g' <<<"$2")"
case $2 in *' ') COMP_WORDS+=('') ;; esac
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_job_worker
typed=${2##* }
printf '%s\n' "${COMPREPLY[@]/#/"${typed%"${typed##*[=:]}"}"}"
