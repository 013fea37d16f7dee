# fish completion for tern(1). Subcommands and options are what `tern --help` and `tern COMMAND --help` say, so that
# there is no second list to keep.

function __tern_words
    commandline -opc
end

function __tern_commands
    set -l words (__tern_words)
    $words[1] --help 2>/dev/null | string replace -rf '^  ([a-z]+)  +(.*)' '$1\t$2'
    printf '%s\n' --help --version
end

# What stands left of the descriptions.
function __tern_left
    set -l words (__tern_words)
    $words[1] $argv[1] --help 2>/dev/null | string match -r '^(?:usage:|       tern|  -).*' | string replace -r '^(  -[^ ]*(?: [^ ]+)*)  +.*' '$1'
end

function __tern_options
    set -l words (__tern_words)
    __tern_left $words[2] | string match -ra '(?<![-A-Za-z])(?:--[a-z][a-z0-9-]*|-[a-zA-Z](?![-a-zA-Z]))' | sort -u
end

# What may stand here, if it is no option.
function __tern_values
    set -l words (__tern_words)
    set -l before $words[-1]
    if string match -q -- '-*' $before
        set -l value (__tern_left $words[2] | string match -r -- "(?<![-a-z])$before +([A-Z]+)")
        switch "$value[2]"
            case FILE PATH
                __fish_complete_path (commandline -ct)
                return
            case WHEN
                printf '%s\n' auto always never
                return
            case LANG
                printf '%s\n' en zh
                return
            case ''
            case '*'
                return
        end
    end
    switch $words[2]
        case help
            __tern_commands
        case lab
            $words[1] lab --list 2>/dev/null | string replace -r '  +' '\t'
        case record
            echo lab
        case ctl
            if test (count $words) -eq 2
                __fish_complete_path (commandline -ct)
            else
                printf '%s\n' flows sockets forwards stats add remove
            end
        case replay report script trace ss stuck
            __fish_complete_path (commandline -ct)
    end
end

function __tern_is_first
    test (count (__tern_words)) -eq 1
end

# An option is being written.
function __tern_asks
    string match -q -- '-*' (commandline -ct)
end

# Behind the -- of tern gateway there is another command.
function __tern_runs
    set -l words (__tern_words)
    test (count $words) -gt 2; and test $words[2] = gateway; and contains -- -- $words[3..-1]
end

complete -c tern -f
complete -c tern -n __tern_is_first -a '(__tern_commands)'
complete -c tern -n __tern_runs -a '(__fish_complete_subcommand --fcs-skip=3)'
complete -c tern -n 'not __tern_is_first; and not __tern_runs; and not __tern_asks' -a '(__tern_values)'
complete -c tern -n 'not __tern_is_first; and not __tern_runs; and __tern_asks' -a '(__tern_options)'
