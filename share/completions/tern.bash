# bash completion for tern(1). Subcommands and options are what `tern --help` and `tern COMMAND --help` say, so
# that there is no second list to keep.

# The options of a command; with a second argument the word for that option's value ("FILE"), empty where it has none.
_tern_options()
{
	"${COMP_WORDS[0]}" "$1" --help 2>/dev/null | sed -nE '/^(usage:|       tern|  -)/ { s/^(  -[^ ]*( [^ ]+)*)  +.*/\1/; p; }' |
		if [[ -n ${2-} ]]; then
			grep -oE -- "(^|[^-a-z])$2 +[A-Z]+" | sed -E 's/.* //; q'
		else
			grep -oE -- '(^|[^-A-Za-z])-(-[a-z][a-z0-9-]*|[a-zA-Z]($|[^-a-zA-Z]))' | grep -oE -- '--?[a-zA-Z][a-z0-9-]*' | sort -u
		fi
}

_tern_commands()
{
	"${COMP_WORDS[0]}" --help 2>/dev/null | sed -nE 's/^  ([a-z]+)  +.*/\1/p'
}

_tern_words()
{
	COMPREPLY+=($(compgen -W "$1" -- "$current"))
}

_tern_files()
{
	compopt -o filenames 2>/dev/null
	COMPREPLY+=($(compgen -f -- "$current"))
}

_tern()
{
	local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} i
	local IFS=$' \t\n'
	COMPREPLY=()
	if (( COMP_CWORD == 1 )); then
		_tern_words "$(_tern_commands) --help --version"
		return
	fi
	if [[ $command == gateway ]]; then
		for (( i = 2; i < COMP_CWORD; i++ )); do
			[[ ${COMP_WORDS[i]} == -- ]] || continue
			if declare -F _command_offset >/dev/null; then
				_command_offset $((i + 1))
			else
				(( COMP_CWORD > i + 1 )) && _tern_files || COMPREPLY=($(compgen -c -- "$current"))
			fi
			return
		done
	fi
	if [[ $current == -* ]]; then
		_tern_words "$(_tern_options "$command")"
		return
	fi
	if [[ $before == -* && $before != -- ]]; then
		case $(_tern_options "$command" "$before") in
		'') ;;
		FILE | PATH) _tern_files; return ;;
		WHEN) _tern_words 'auto always never'; return ;;
		LANG) _tern_words 'en zh'; return ;;
		*) return ;;
		esac
	fi
	case $command in
	help) _tern_words "$(_tern_commands)" ;;
	lab) _tern_words "$("${COMP_WORDS[0]}" lab --list 2>/dev/null | sed -E 's/ .*//')" ;;
	record) _tern_words lab ;;
	ctl) if (( COMP_CWORD == 2 )); then _tern_files; else _tern_words 'flows sockets forwards stats add remove'; fi ;;
	replay | report | script | trace | ss | stuck) _tern_files ;;
	esac
}

complete -F _tern tern
