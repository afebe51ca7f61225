# SCRIPT LINE: what zsh shows when Tab is pressed behind LINE, and then what stands on its command line.
zmodload zsh/zpty
zpty shell TERM=dumb zsh -f -i
zpty -w shell "PS1=; autoload -Uz compinit; compinit -u -D; source ${(q)1}; stty -echo cols 200 rows 50
    bindkey '^I' complete-word; leave() { print -r; print -r \"LINE=[\$BUFFER]\"; exit }; zle -N leave; bindkey '^X' leave
    print REA''DY"
zpty -r shell out '*READY*'
zpty -w -n shell "$2"$'\t\x18'
zpty -r shell out '*LINE=\[*\]*'
print -r -- "$out"
