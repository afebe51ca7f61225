# SCRIPT LINE: what fish offers behind LINE.
source $argv[1]
complete -C $argv[2]
